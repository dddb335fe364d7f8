#include "store/name_table.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "support.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;
using test::error_of;

class NameTableTest : public ::testing::Test {
protected:
    test::TempDir m_dir;
    NameTable m_table{m_dir.path()};
    ImageId m_image = ImageId::generate();
};

TEST_F(NameTableTest, FindsWhatWasSet) {
    EXPECT_FALSE(m_table.find("a"));
    m_table.set("a", m_image);
    EXPECT_EQ(m_table.find("a"), m_image);
    const ImageId other = ImageId::generate();
    m_table.set("a", other);
    EXPECT_EQ(m_table.find("a"), other);
}

TEST_F(NameTableTest, TakesAnyName) {
    const std::vector<std::string> names = {
        "../../etc/passwd", "python:3.11-slim", ".",         "..", "a/b",
        "docker://x@y",     "caf\xc3\xa9",      "new\nline", " ",  "%"};
    for (const std::string& name : names) {
        m_table.set(name, m_image);
        EXPECT_EQ(m_table.find(name), m_image) << name;
        EXPECT_EQ(m_table.path_of(name).parent_path(), m_dir.path()) << name;
    }
    EXPECT_EQ(m_table.all().size(), names.size());
}

TEST_F(NameTableTest, ListsTheNamesSorted) {
    m_table.set("b:1", m_image);
    m_table.set("a", m_image);
    m_table.set("x.mstage-backup", m_image);
    write_file_atomically(m_dir / "c~mstage-abcdef", m_image.str() + "\n");
    const std::vector<std::pair<std::string, ImageId>> expected = {
        {"a", m_image}, {"b:1", m_image}, {"x.mstage-backup", m_image}};
    EXPECT_EQ(m_table.all(), expected);
}

TEST_F(NameTableTest, RemovesANameOnce) {
    m_table.set("a", m_image);
    EXPECT_TRUE(m_table.remove("a"));
    EXPECT_FALSE(m_table.remove("a"));
    EXPECT_FALSE(m_table.find("a"));
}

TEST_F(NameTableTest, LeavesTheFileThatSaysSoAlready) {
    m_table.set("a", m_image);
    const timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, m_table.path_of("a").c_str(), times, 0), 0);
    m_table.set("a", m_image);
    struct stat info {};
    ASSERT_EQ(::stat(m_table.path_of("a").c_str(), &info), 0);
    EXPECT_EQ(info.st_mtim.tv_sec, 1000000000);
}

TEST_F(NameTableTest, TakesATornFileForAbsent) {
    for (const std::string& text :
         {std::string(), m_image.str().substr(0, 20), std::string(36, '\0')}) {
        write_file_atomically(m_table.path_of("a"), text);
        EXPECT_FALSE(m_table.find("a"));
        EXPECT_TRUE(m_table.all().empty());
    }
    m_table.set("a", m_image);
    EXPECT_EQ(m_table.find("a"), m_image);
}

TEST_F(NameTableTest, RefusesANameThatNoFileCanHave) {
    error_of<UsageError>([&] { m_table.set(std::string(241, 'a'), m_image); });
    error_of<UsageError>([&] { m_table.set(std::string(90, '/'), m_image); });
    m_table.set(std::string(240, 'a'), m_image);
    EXPECT_EQ(m_table.find(std::string(240, 'a')), m_image);
}

TEST_F(NameTableTest, IsReadWholeWhileItIsWritten) {
    const std::vector<ImageId> ids = {ImageId::generate(), ImageId::generate()};
    m_table.set("a", ids[0]);
    test::Process writer([&] {
        for (size_t round = 0; round < 500; ++round) {
            m_table.set("a", ids[round % 2]);
        }
        return 0;
    });
    for (int round = 0; round < 500; ++round) {
        const auto found = m_table.find("a");
        ASSERT_TRUE(found);
        EXPECT_TRUE(*found == ids[0] || *found == ids[1]);
    }
    EXPECT_TRUE(writer.wait().ok());
}

}  // namespace
}  // namespace mstage::store
