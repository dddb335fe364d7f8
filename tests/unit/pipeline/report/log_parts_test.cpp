#include "pipeline/report/log_parts.hpp"

#include "base/file.hpp"
#include "support.hpp"

namespace mstage::pipeline {
namespace {

class LogPartsTest : public ::testing::Test {
protected:
    Json parts_of(const std::string& text, size_t head, size_t tail) {
        write_file_atomically(m_dir / "log", text);
        return log_parts(m_dir / "log", head, tail);
    }
    test::TempDir m_dir;
};

TEST_F(LogPartsTest, AreAllOfAShortLog) {
    const Json log = parts_of("one\ntwo\n", 4, 4);
    EXPECT_EQ(log.at("head"), "one\ntwo\n");
    EXPECT_EQ(log.at("tail"), "");
    EXPECT_EQ(log.at("cut_bytes"), 0);
    EXPECT_EQ(log.at("size_bytes"), 8);
    EXPECT_EQ(log.at("path"), (m_dir / "log").native());
    EXPECT_EQ(parts_of("", 4, 4).at("head"), "");
}

TEST_F(LogPartsTest, AreWholeLinesOfALongOne) {
    const Json log = parts_of("one\ntwo\nthree\nfour\nfive\n", 6, 7);
    EXPECT_EQ(log.at("head"), "one\n");
    EXPECT_EQ(log.at("tail"), "five\n");
    EXPECT_EQ(log.at("cut_bytes"), 15);
}

TEST_F(LogPartsTest, AreSomeOfALongLine) {
    const Json log = parts_of(std::string(100, 'x'), 10, 20);
    EXPECT_EQ(log.at("head"), std::string(10, 'x'));
    EXPECT_EQ(log.at("tail"), std::string(20, 'x'));
    EXPECT_EQ(log.at("cut_bytes"), 70);
}

TEST_F(LogPartsTest, OfNoFileAreNone) {
    EXPECT_TRUE(log_parts(m_dir / "none", 10, 10).is_null());
    EXPECT_TRUE(log_parts(m_dir.path(), 10, 10).is_null());
}

}  // namespace
}  // namespace mstage::pipeline
