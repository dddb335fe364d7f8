#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/sandbox.hpp"
#include "sandbox/user_namespace.hpp"
#include "support.hpp"
#include "tiny_rootfs.hpp"

namespace mstage::sandbox {

/// What a command said and how it ended.
struct Ran {
    Outcome outcome;
    std::string out;
    std::string err;
};

inline Ran run_spec(const Spec& spec, Streams streams = Streams::merged) {
    Ran ran;
    ran.outcome = run(spec, streams, [&](Stream stream, std::string_view data) {
        (stream == Stream::out ? ran.out : ran.err) += data;
    });
    return ran;
}

/// Commands on a tiny root filesystem, its changes in a directory of the test's.
class SandboxTest : public ::testing::Test {
protected:
    explicit SandboxTest(IdMap ids = detect_id_map()) : m_ids(std::move(ids)) {
        std::filesystem::create_directory(m_dir / "root");
        // A user of the map's other end has to get in.
        std::filesystem::permissions(m_dir.path(), std::filesystem::perms(0755));
    }
    ~SandboxTest() override {
        if (m_ids.mode == IdMode::ranges) {
            // Files may belong to others by now.
            run_in_user_namespace(m_ids, [&] { remove_tree(m_dir / "runs"); });
        }
    }

    void SetUp() override {
        try {
            run_in_user_namespace(m_ids, [] {});
        } catch (const Unavailable& error) {
            test::skip_or_fail(error.message());
        }
    }

    /// Each spec has changes of its own: upper() tells those of the last.
    Spec spec_of(std::vector<std::string> argv) {
        m_changes = {m_dir / fmt::format("runs/{}/upper", ++m_count),
                     m_dir / fmt::format("runs/{}/work", m_count)};
        make_directories(m_changes.upper);
        make_directories(m_changes.work);
        Spec spec{
            .ids = m_ids,
            .root = {.mount_point = m_dir / "root",
                     .overlays = {{.at = "",
                                   .lowers = {test::shared_tiny_rootfs({MSTAGE_SANDBOX_PROBE})},
                                   .changes = m_changes}},
                     .binds = {}},
            .argv = std::move(argv),
            .environment = {{"PATH", "/bin"}},
            .resolv_conf = {}};
        return spec;
    }
    Spec shell(const std::string& text) { return spec_of({"/bin/sh", "-c", text}); }
    Spec probe(const std::string& what) { return spec_of({"/bin/mstage_sandbox_probe", what}); }

    /// What the command prints; it has to succeed.
    std::string output_of(const Spec& spec) const {
        const Ran ran = run_spec(spec);
        EXPECT_TRUE(ran.outcome.ok()) << ran.outcome.code << ": " << ran.out;
        return ran.out;
    }
    std::filesystem::path upper() const { return m_changes.upper; }

    IdMap m_ids;
    test::TempDir m_dir;
    OverlayUpper m_changes;
    int m_count = 0;
};

/// The same test with each kind of id map that this user can have.
class SandboxModesTest : public SandboxTest, public ::testing::WithParamInterface<IdMap> {
protected:
    SandboxModesTest() : SandboxTest(GetParam()) {}
};

inline std::vector<IdMap> possible_id_maps() {
    const IdMap single = {IdMode::single, {{0, ::geteuid(), 1}}, {{0, ::getegid(), 1}}};
    const IdMap detected = detect_id_map();
    return detected.mode == IdMode::single ? std::vector{single} : std::vector{detected, single};
}

inline const char* name_of(IdMode mode) {
    switch (mode) {
        case IdMode::identity:
            return "identity";
        case IdMode::ranges:
            return "ranges";
        case IdMode::single:
            break;
    }
    return "single";
}
inline std::string name_of_mode(const ::testing::TestParamInfo<IdMap>& info) {
    return name_of(info.param.mode);
}
/// For GoogleTest's messages.
inline void PrintTo(const IdMap& map, std::ostream* out) {
    *out << name_of(map.mode);
}

}  // namespace mstage::sandbox
