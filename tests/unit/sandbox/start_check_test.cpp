#include "sandbox/start_check.hpp"

#include <elf.h>

#include "base/file.hpp"
#include "support.hpp"

namespace mstage::sandbox {
namespace {

namespace fs = std::filesystem;

class StartCheckTest : public ::testing::Test {
protected:
    StartCheckTest() {
        make_directories(m_root / "bin");
        make_directories(m_root / "dir");
        m_spec.root.mount_point = m_root.path();
        m_spec.environment = {{"PATH", "/nowhere:/bin"}};
    }

    void add(const char* name, const std::string& content, fs::perms mode = fs::perms(0755)) {
        write_file_atomically(m_root / "bin" / name, content);
        fs::permissions(m_root / "bin" / name, mode);
    }
    /// What is said of the program, with the code in front; "good" when it is.
    std::string verdict(const std::string& program) {
        m_spec.argv = {program};
        try {
            check_start(m_spec);
        } catch (const CannotStart& error) {
            return fmt::format("{} {}", error.code(), error.message());
        }
        return "good";
    }

    test::TempDir m_root;
    Spec m_spec;
};

TEST_F(StartCheckTest, LooksForTheProgramInThePathOfTheImage) {
    add("here", "");
    EXPECT_EQ(verdict("here"), "good");
    EXPECT_EQ(verdict("/bin/here"), "good");
    EXPECT_EQ(verdict("bin/here"), "good") << "relative to the working directory";
    EXPECT_EQ(verdict("gone"), "127 the image has no program 'gone'");
    EXPECT_EQ(verdict("/bin/gone"), "127 the image has no program '/bin/gone'");
    EXPECT_EQ(verdict("/tmp/later"), "good") << "nobody knows yet";
}

TEST_F(StartCheckTest, NamesThePathThatWasSearched) {
    m_spec.argv = {"gone"};
    const Error error = test::error_of([&] { check_start(m_spec); });
    EXPECT_EQ(error.hint(), "PATH is there: /nowhere:/bin");
}

TEST_F(StartCheckTest, WantsAnExecutableFile) {
    add("data", "", fs::perms(0644));
    EXPECT_EQ(verdict("data"), "126 '/bin/data' of the image is no executable file");
    EXPECT_EQ(verdict("/dir"), "126 '/dir' of the image is no executable file");
}

TEST_F(StartCheckTest, WantsTheInterpreterOfAScript) {
    add("script", "#! /bin/perl -w\n");
    EXPECT_EQ(verdict("script"),
              "127 program '/bin/script' cannot be started: its interpreter '/bin/perl' is not in "
              "the image");
    add("perl", "");
    EXPECT_EQ(verdict("script"), "good");
}

TEST_F(StartCheckTest, WantsTheInterpreterOfAnElfFile) {
    Elf64_Ehdr header{};
    std::copy_n(ELFMAG, SELFMAG, header.e_ident);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_phoff = sizeof header;
    header.e_phnum = 1;
    const std::string interpreter = "/lib64/ld-linux-x86-64.so.2";
    Elf64_Phdr segment{};
    segment.p_type = PT_INTERP;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = interpreter.size() + 1;
    std::string file(reinterpret_cast<const char*>(&header), sizeof header);
    file.append(reinterpret_cast<const char*>(&segment), sizeof segment);
    file.append(interpreter).push_back('\0');
    add("program", file);
    EXPECT_EQ(verdict("program"),
              "127 program '/bin/program' cannot be started: its interpreter "
              "'/lib64/ld-linux-x86-64.so.2' is not in the image");
    add("torn", file.substr(0, sizeof header + 10));
    EXPECT_EQ(verdict("torn"), "good") << "the kernel will say";
}

TEST_F(StartCheckTest, WantsADirectoryToWorkIn) {
    add("here", "");
    m_spec.workdir = "/bin/here";
    EXPECT_EQ(verdict("/bin/here"), "126 '/bin/here' of the image, to work in, is no directory");
    m_spec.workdir = "/none";
    EXPECT_EQ(verdict("/bin/here"), "126 the image has no directory '/none' to work in");
    m_spec.missing_workdir = MissingWorkdir::made;
    EXPECT_EQ(verdict("/bin/here"), "good");
    EXPECT_TRUE(fs::is_directory(m_root / "none"));
}

}  // namespace
}  // namespace mstage::sandbox
