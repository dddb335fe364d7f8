#include "pipeline/generation.hpp"

#include "pipeline/history.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using engine::ImageId;
using test::contains;
using test::error_of;
using namespace std::chrono_literals;

class GenerationTest : public PipelineTest {
protected:
    GenerationTest() {
        add(m_ids[0], m_now - 72h);
        add(m_ids[1], m_now - 2h);
        add(m_ids[2], m_now - 30min);
        write_checkpoint(m_plan, {.name = "build-complete",
                                  .image = m_ids[2],
                                  .parent = m_ids[0],
                                  .key = m_ids[2].str()});
    }
    void add(const ImageId& image, TimePoint time) const {
        append_history(m_plan, {{.time = time,
                                 .checkpoint = "build-complete",
                                 .event = HistoryEvent::ran,
                                 .image = image,
                                 .parent = m_ids[0],
                                 .key = image.str()}});
    }
    Checkpoint find(const std::string& text) {
        return find_generation(m_engine, m_plan, "build-complete", text, m_now);
    }
    Error refused(const std::string& text) {
        return error_of([&] { find(text); });
    }

    TimePoint m_now =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    std::vector<ImageId> m_ids = {*ImageId::parse("aaaa0000-0000-4000-8000-000000000001"),
                                  *ImageId::parse("aaab0000-0000-4000-8000-000000000002"),
                                  *ImageId::parse("aaac0000-0000-4000-8000-000000000003")};
};

TEST_F(GenerationTest, ByHowManyBefore) {
    EXPECT_EQ(find("@-1").image, m_ids[1]);
    EXPECT_EQ(find("@-2").image, m_ids[0]);
    EXPECT_EQ(find("@-1").parent, m_ids[0]);
    EXPECT_EQ(find("@-1").key, m_ids[1].str());
    EXPECT_EQ(find("@-1").name, "build-complete");
    EXPECT_TRUE(contains(refused("@-3").message(), "known before the present one: 2"))
        << "there are";
    for (const char* text :
         {"@", "@-", "@1", "@-0", "@-x", "@--1", "@-1x", "@failed", "@-99999999999999999999999"}) {
        EXPECT_TRUE(contains(refused(text).message(), "no generation")) << text;
    }
}

TEST_F(GenerationTest, WithoutAPresentOneTheLastThatWasComesFirst) {
    remove_checkpoint(m_plan, "build-complete");
    EXPECT_EQ(find("@-1").image, m_ids[2]);
    EXPECT_EQ(find("@-3").image, m_ids[0]);
    EXPECT_TRUE(contains(refused("@-4").message(), "known before the present one: 3"));
    EXPECT_TRUE(contains(refused("@-18446744073709551615").message(), "no generation"));
}

TEST_F(GenerationTest, ByTime) {
    EXPECT_EQ(find("1h").image, m_ids[1]);
    EXPECT_EQ(find("29m").image, m_ids[2]);
    EXPECT_EQ(find("0s").image, m_ids[2]);
    EXPECT_EQ(find("2d").image, m_ids[0]);
    EXPECT_EQ(find(format_time(m_now - 2h)).image, m_ids[1]);
    EXPECT_EQ(find("2200-01-01T00:00:00+01:00").image, m_ids[2]);
    EXPECT_TRUE(contains(refused("4d").message(), "was not built yet"));
    EXPECT_TRUE(contains(refused("2000-01-01T00:00:00Z").message(), "was not built yet"));
}

TEST_F(GenerationTest, ByUuid) {
    EXPECT_EQ(find(m_ids[1].str()).image, m_ids[1]);
    EXPECT_EQ(find("aaab").image, m_ids[1]);
    add(m_ids[0], m_now);
    EXPECT_EQ(find("aaaa").image, m_ids[0]) << "twice the same";
    add(*ImageId::parse("aaac1111-0000-4000-8000-000000000003"), m_now);
    EXPECT_TRUE(contains(refused("aaac").message(), "ambiguous"));
    EXPECT_TRUE(contains(refused("aaa").message(), "too short for a UUID"));
    for (const char* text : {"", "1x", "yesterday", "cccc", "2026-01-31"}) {
        EXPECT_TRUE(contains(refused(text).message(), "is no generation of")) << text;
    }
}

TEST_F(GenerationTest, OfAnotherBuildTree) {
    build("build-complete");
    const Checkpoint made = get_checkpoint(m_plan, "build-complete");
    const Plan other = make_plan(plan_json(m_dir / "other"));
    const auto find_in_other = [&](const std::string& checkpoint, const ImageId& image) {
        return find_generation(m_engine, other, checkpoint, image.str(), m_now);
    };
    EXPECT_EQ(find_in_other("build-complete", made.image), made);
    EXPECT_TRUE(contains(error_of([&] { find_in_other("deps-installed", made.image); }).message(),
                         "is no generation of"))
        << "another stage made it";
    const Checkpoint as_base = find_in_other("setup-base", made.image);
    EXPECT_EQ(as_base.image, made.image);
    EXPECT_FALSE(as_base.key);
    const ImageId failed = m_engine.run(shell(base(), "exit 3")).failed_state.value();
    EXPECT_TRUE(contains(error_of([&] { find_in_other("setup-base", failed); }).message(),
                         "is no generation of"))
        << "a failed state is nobody's parent";
}

}  // namespace
}  // namespace mstage::pipeline
