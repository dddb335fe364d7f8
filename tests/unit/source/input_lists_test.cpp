#include "source/input_lists.hpp"

#include <sys/stat.h>

#include "support.hpp"

namespace mstage::source {
namespace {

namespace fs = std::filesystem;

class InputListsTest : public ::testing::Test {
protected:
    InputListsTest() { write_inputs(m_file, m_inputs); }

    fs::path list() const { return m_store.inputs_path(m_inputs.digest); }
    bool is_same_file() const { return fs::equivalent(m_file, list()); }

    test::TempDir m_dir;
    store::Store m_store{m_dir / "store", [](const fs::path& path) { remove_tree(path); }};
    fs::path m_file = m_dir / "build.inputs";
    Inputs m_inputs = make_inputs(
        "/app",
        {{.path = "a\nb", .type = EntryType::file, .mode = 0644, .hash = std::string(64, 'a')}});
};

TEST_F(InputListsTest, AreTheDigestFilesThemselves) {
    EXPECT_FALSE(has_input_list(m_store, m_inputs.digest));
    EXPECT_FALSE(find_input_list(m_store, m_inputs.digest));
    keep_input_list(m_store, m_inputs, m_file);
    EXPECT_TRUE(has_input_list(m_store, m_inputs.digest));
    EXPECT_TRUE(is_same_file());
    EXPECT_EQ(find_input_list(m_store, m_inputs.digest)->entries, m_inputs.entries);
    keep_input_list(m_store, m_inputs, m_file);
    EXPECT_TRUE(is_same_file());
}

TEST_F(InputListsTest, StayWhenTheDigestFileBecomesAnother) {
    keep_input_list(m_store, m_inputs, m_file);
    write_inputs(m_file, make_inputs("/app", {}));
    EXPECT_EQ(find_input_list(m_store, m_inputs.digest)->entries, m_inputs.entries);
}

TEST_F(InputListsTest, AreCopiedWhenTheFileIsAnothersByNow) {
    write_inputs(m_file, make_inputs("/app", {}));
    keep_input_list(m_store, m_inputs, m_file);
    EXPECT_FALSE(is_same_file());
    EXPECT_EQ(find_input_list(m_store, m_inputs.digest)->entries, m_inputs.entries);
    EXPECT_TRUE(read_inputs(m_file)->entries.empty());
}

TEST_F(InputListsTest, OnesThatAPowerCutToreAreWrittenAgain) {
    write_file_atomically(list(), "");
    EXPECT_FALSE(has_input_list(m_store, m_inputs.digest));
    keep_input_list(m_store, m_inputs, m_file);
    EXPECT_EQ(find_input_list(m_store, m_inputs.digest)->entries, m_inputs.entries);
}

TEST_F(InputListsTest, AreKeptInStoresOfTheFirstVersionsToo) {
    fs::remove(m_dir / "store/inputs");
    m_store.sweep();
    keep_input_list(m_store, m_inputs, m_file);
    EXPECT_TRUE(is_same_file());
}

}  // namespace
}  // namespace mstage::source
