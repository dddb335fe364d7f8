#include "pipeline/why.hpp"

#include <sys/stat.h>

#include "pipeline/tree_change.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class WhyTest : public PipelineTest {
protected:
    Why why(const std::string& checkpoint = "build-complete") {
        return explain(m_engine, m_plan, checkpoint);
    }
    void write(const std::string& path, const std::string& content) const {
        make_directories((m_dir / "src" / path).parent_path());
        write_file_atomically(m_dir / "src" / path, content);
    }
    fs::path source(const std::string& path) const { return m_dir / "src" / path; }

    static Strings codes(const WhyStep& step) {
        Strings found;
        for (const WhyReason& reason : step.reasons) {
            found.push_back(reason.code);
        }
        return found;
    }
    static Strings parts(const WhyStep& step) {
        Strings found;
        for (const KeyDifference& difference : step.differences) {
            found.push_back(difference.part +
                            (difference.name.empty() ? "" : " " + difference.name));
        }
        return found;
    }
    static Strings files(const WhyStep& step) {
        Strings found;
        if (step.files) {
            for (const engine::InputChange& change : *step.files) {
                found.push_back(fmt::format("{} {}", to_string(change.kind), change.path()));
            }
        }
        return found;
    }
    /// What differs now; then, when it has been built again, that was why.
    void expect_part(const Strings& expected) {
        ASSERT_TRUE(why().now);
        EXPECT_EQ(parts(*why().now), expected);
        EXPECT_EQ(codes(*why().now), Strings{});
        ASSERT_TRUE(build("build-complete").ok);
        EXPECT_FALSE(why().now);
        EXPECT_EQ(parts(*why().last), expected);
        EXPECT_EQ(codes(*why().last), Strings{});
    }
};

TEST_F(WhyTest, NothingHasBeen) {
    const Why found = why();
    EXPECT_FALSE(found.last);
    EXPECT_FALSE(found.image);
    ASSERT_TRUE(found.now);
    EXPECT_EQ(found.action, Action::run);
    EXPECT_EQ(codes(*found.now), (Strings{"first", "parent-anew"}));
    ASSERT_EQ(found.now->upstream.size(), 1U);
    EXPECT_EQ(found.now->upstream[0].checkpoint, "app.deps-installed");
}

TEST_F(WhyTest, TheFirstTime) {
    build("build-complete");
    const Why found = why();
    EXPECT_FALSE(found.now);
    EXPECT_EQ(found.action, Action::keep);
    ASSERT_TRUE(found.last);
    EXPECT_EQ(found.last->event->event, HistoryEvent::ran);
    EXPECT_EQ(codes(*found.last), Strings{"first"});
    EXPECT_EQ(why("setup-base").last->event->event, HistoryEvent::imported);
}

TEST_F(WhyTest, SourceFiles) {
    stage("install").inputs = Strings{};
    write("gone.c", "gone");
    write("old.c", "moved");
    write("run.sh", "run");
    fs::create_symlink("main.c", source("link"));
    build("build-complete");
    write("main.c", "int other;");
    write("new.c", "new");
    fs::remove(source("gone.c"));
    fs::rename(source("old.c"), source("renamed.c"));
    ::chmod(source("run.sh").c_str(), 0755);
    fs::remove(source("link"));
    fs::create_symlink("new.c", source("link"));
    const Strings expected = {"removed gone.c", "target link",       "changed main.c",
                              "added new.c",    "renamed renamed.c", "mode run.sh"};
    EXPECT_EQ(files(*why().now), expected);
    expect_part({"inputs"});
    EXPECT_EQ(files(*why().last), expected);
    const engine::InputChange& changed = why().last->files->at(2);
    EXPECT_EQ(changed.before->hash.size(), 64U);
    EXPECT_NE(changed.before->hash, changed.after->hash);
}

TEST_F(WhyTest, AListOfSourceFilesThatIsLost) {
    stage("install").inputs = Strings{};
    build("build-complete");
    const std::string digest = engine::inputs_digest(m_plan.inputs_path("build"));
    write("main.c", "int other;");
    fs::remove(m_dir / "store/inputs" / digest);
    EXPECT_EQ(parts(*why().now), Strings{"inputs"});
    EXPECT_FALSE(why().now->files);
}

TEST_F(WhyTest, Command) {
    build("build-complete");
    stage("build").command = "cat main.c main.c > out";
    expect_part({"command"});
    EXPECT_EQ(why().last->differences[0].before, "cat main.c > out");
    EXPECT_EQ(why().last->differences[0].after, "cat main.c main.c > out");
}

TEST_F(WhyTest, Environment) {
    stage("build").environment = {{"GONE", "1"}, {"OTHER", "1"}, {"SAME", "1"}};
    build("build-complete");
    stage("build").environment = {{"NEW", "1"}, {"OTHER", "2"}, {"SAME", "1"}};
    expect_part({"environment GONE", "environment NEW", "environment OTHER"});
}

TEST_F(WhyTest, Network) {
    build("build-complete");
    stage("build").network = false;
    expect_part({"network"});
}

TEST_F(WhyTest, Workdir) {
    build("build-complete");
    stage("build").command = "true";
    build("build-complete");
    stage("build").workdir = "/";
    expect_part({"workdir"});
}

TEST_F(WhyTest, User) {
    build("build-complete");
    stage("build").user = "root";
    expect_part({"user"});
}

TEST_F(WhyTest, Caches) {
    build("build-complete");
    stage("build").caches = engine::parse_caches({"/root/.cache"});
    expect_part({"caches /root/.cache"});
}

TEST_F(WhyTest, WhereTheSourceGoes) {
    stage("install").inputs = Strings{};
    stage("build").command = "true";
    stage("build").workdir = "/";
    build("build-complete");
    m_plan.workdir = "/src";
    const Strings found = parts(*why().now);
    EXPECT_NE(std::ranges::find(found, "source_workdir"), found.end());
}

TEST_F(WhyTest, EngineAndFormatOfKeys) {
    build("build-complete");
    // As an older version would have made it.
    const std::string old_key(64, '0');
    const auto edit = [](const fs::path& path, const auto& change) {
        Json json = parse_json(read_file(path), path.native());
        change(json);
        write_file_atomically(path, dump_json(json));
    };
    edit(m_engine.witness(get_checkpoint(m_plan, "build-complete").image), [&](Json& manifest) {
        manifest["key"] = old_key;
        manifest["key_parts"]["format"] = 0;
        manifest["key_parts"]["engine"] = "older";
    });
    edit(m_plan.marker_path("build-complete"), [&](Json& marker) { marker["key"] = old_key; });
    fs::remove(m_plan.state_dir / "history");
    const Why found = why();
    EXPECT_FALSE(found.last);
    EXPECT_EQ(parts(*found.now), (Strings{"format", "engine"}));
}

TEST_F(WhyTest, AKeyThatIsRetired) {
    build("build-complete");
    const Checkpoint marker = get_checkpoint(m_plan, "build-complete");
    TreeTurn(m_plan.build_dir)
        .make({.title = "test",
               .checkpoints = {{.state_dir = m_plan.state_dir,
                                .checkpoint = "build-complete",
                                .marker = {},
                                .pin = {},
                                .event = HistoryEvent::dropped,
                                .was = marker.image}},
               .keys = {{.state_dir = m_plan.state_dir,
                         .checkpoint = "build-complete",
                         .key = *marker.key}}});
    EXPECT_EQ(why().action, Action::run);
    EXPECT_EQ(codes(*why().now), (Strings{"dropped", "retired"}));
    EXPECT_EQ(parts(*why().now), Strings{});
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_FALSE(why().now);
    EXPECT_EQ(codes(*why().last), Strings{"dropped"});
}

TEST_F(WhyTest, TheParentAndWhyThatIsAnother) {
    build("build-complete");
    stage("install").command = "echo other > /root/deps";
    // It would be made first: its image is not known yet.
    const Why before = why();
    EXPECT_EQ(before.action, Action::run);
    EXPECT_EQ(codes(*before.now), Strings{"parent-anew"});
    EXPECT_EQ(parts(*before.now), Strings{});
    ASSERT_EQ(before.now->upstream.size(), 1U);
    EXPECT_EQ(parts(before.now->upstream[0]), Strings{"command"});
    // Now its image is known.
    ASSERT_TRUE(build("deps-installed").ok);
    const Why between = why();
    EXPECT_EQ(parts(*between.now), Strings{"parent"});
    ASSERT_EQ(between.now->upstream.size(), 1U);
    EXPECT_EQ(between.now->upstream[0].checkpoint, "app.deps-installed");
    EXPECT_EQ(parts(between.now->upstream[0]), Strings{"command"});
    ASSERT_TRUE(build("build-complete").ok);
    const Why after = why();
    EXPECT_EQ(parts(*after.last), Strings{"parent"});
    ASSERT_EQ(after.last->upstream.size(), 1U);
    EXPECT_EQ(parts(after.last->upstream[0]), Strings{"command"});
}

TEST_F(WhyTest, WhatIsCopied) {
    stage("build").copies = {
        {.plan = {}, .checkpoint = "setup-base", .path = "/etc/passwd", .destination = "/copy"}};
    build("build-complete");
    stage("build").copies[0].destination = "/other";
    expect_part({"copies /etc/passwd → /copy", "copies /etc/passwd → /other"});
}

TEST_F(WhyTest, AnAttemptThatFailed) {
    build("build-complete");
    stage("build").command = "exit 3";
    EXPECT_FALSE(build("build-complete").ok);
    Why found = why();
    EXPECT_EQ(found.last->event->event, HistoryEvent::failed);
    EXPECT_EQ(parts(*found.last), Strings{"command"});
    EXPECT_EQ(codes(*found.now), Strings{"after-failure"});
    EXPECT_EQ(parts(*found.now), Strings{});
    stage("build").command = "true";
    found = why();
    EXPECT_EQ(codes(*found.now), Strings{"after-failure"});
    EXPECT_EQ(parts(*found.now), Strings{"command"});
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(codes(*why().last), Strings{"after-failure"});
    EXPECT_EQ(parts(*why().last), Strings{"command"});
}

TEST_F(WhyTest, AMarkerThatIsMissing) {
    build("build-complete");
    fs::remove(m_plan.marker_path("build-complete"));
    EXPECT_EQ(why().action, Action::restore);
    EXPECT_EQ(codes(*why().now), Strings{"marker-missing"});
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(why().last->event->event, HistoryEvent::restored);
    EXPECT_EQ(codes(*why().last), Strings{"marker-missing"});
}

TEST_F(WhyTest, AnImageThatIsLost) {
    build("build-complete");
    fs::remove(m_engine.witness(get_checkpoint(m_plan, "build-complete").image));
    EXPECT_EQ(codes(*why().now), Strings{"image-lost"});
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(codes(*why().last), Strings{"image-lost"});
}

TEST_F(WhyTest, WhatARunThatChangedNothingWasMadeFrom) {
    stage("install").inputs = Strings{};
    stage("build").inputs = Strings{};
    stage("build").workdir = "/";
    stage("build").command = "true";
    build("build-complete");
    stage("build").command = "true again";
    EXPECT_EQ(parts(*why().now), Strings{"command"});
}

TEST_F(WhyTest, OfARestoredCheckpoint) {
    build("build-complete");
    const std::string first = stage("build").command;
    stage("build").command = "true";
    build("build-complete");
    stage("build").command = first;
    EXPECT_EQ(why().action, Action::restore);
    EXPECT_EQ(parts(*why().now), Strings{"command"});
    build("build-complete");
    EXPECT_EQ(why().last->event->event, HistoryEvent::restored);
    EXPECT_EQ(parts(*why().last), Strings{"command"});
}

}  // namespace
}  // namespace mstage::pipeline
