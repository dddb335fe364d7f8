#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/json.hpp"
#include "engine/local/local_engine.hpp"
#include "support.hpp"
#include "tiny_rootfs.hpp"

namespace mstage::engine {

/// A local engine with a store of its own, and a tiny root filesystem as base.
class EngineTest : public ::testing::Test {
protected:
    void SetUp() override {
        try {
            sandbox::run_in_user_namespace(m_ids, [] {});
        } catch (const Unavailable& error) {
            test::skip_or_fail(error.message());
        }
    }
    ~EngineTest() override {
        if (m_ids.mode == sandbox::IdMode::ranges) {
            // Files may belong to others by now.
            test::patiently([&] {
                sandbox::run_in_user_namespace(m_ids, [&] { remove_tree(m_dir / "store"); });
            });
        }
    }

public:
    static std::string base_reference() { return "rootfs:" + test::shared_tiny_rootfs().native(); }

protected:
    ImageId base() { return m_engine.base(base_reference(), Refresh::no).image; }

    static RunRequest shell(const ImageId& image, const std::string& text) {
        RunRequest request{.image = image};
        request.argv = {"/bin/sh", "-c", text};
        request.command_line = text;
        request.disposable = false;
        return request;
    }
    static RunRequest disposable_shell(const ImageId& image, const std::string& text) {
        RunRequest request = shell(image, text);
        request.disposable = true;
        return request;
    }
    /// The image that the command makes of `image`.
    ImageId made_by(const ImageId& image, const std::string& text) {
        const RunResult result = m_engine.run(shell(image, text));
        EXPECT_TRUE(result.outcome.ok()) << read_file(result.log);
        return result.result_image.value();
    }
    /// What a throw-away run of the command prints.
    std::string output_of(const ImageId& image, const std::string& text) {
        const RunResult result = m_engine.run(disposable_shell(image, text));
        EXPECT_TRUE(result.outcome.ok()) << text;
        return read_file(result.log);
    }
    std::string content_of(const ImageId& image, const std::string& path) {
        const Fd file(::memfd_create("content", MFD_CLOEXEC));
        m_engine.write_file_to(m_engine.image(image), path, file.get());
        ::lseek(file.get(), 0, SEEK_SET);
        return read_all(file.get());
    }
    size_t entries_in(const std::string& folder) const {
        return static_cast<size_t>(
            std::distance(std::filesystem::directory_iterator(m_dir / "store" / folder), {}));
    }

    test::TempDir m_dir;
    sandbox::IdMap m_ids = sandbox::detect_id_map();
    LocalEngine m_engine{m_dir / "store"};
};

}  // namespace mstage::engine
