#include "sandbox/start_check.hpp"

#include <elf.h>

#include <cstring>

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
            const auto doubt = check_start(m_spec);
            return doubt ? fmt::format("in doubt: {} {}", doubt->program, doubt->reason) : "good";
        } catch (const CannotStart& error) {
            return fmt::format("{} {}", error.code(), error.message());
        }
    }
    /// The header of an ELF file for this machine.
    static Elf64_Ehdr own_header() {
        Elf64_Ehdr header{};
        const std::string self = read_file("/proc/self/exe");
        std::memcpy(&header, self.data(), sizeof header);
        header.e_phoff = sizeof header;
        header.e_phnum = 1;
        return header;
    }
    static std::string bytes(const Elf64_Ehdr& header) {
        return {reinterpret_cast<const char*>(&header), sizeof header};
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
    EXPECT_EQ(verdict("/proc/1/later"), "in doubt:  ") << "nobody knows yet";
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
    const Elf64_Ehdr header = own_header();
    const std::string interpreter = "/lib64/ld-linux-x86-64.so.2";
    Elf64_Phdr segment{};
    segment.p_type = PT_INTERP;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_filesz = interpreter.size() + 1;
    std::string file = bytes(header);
    file.append(reinterpret_cast<const char*>(&segment), sizeof segment);
    file.append(interpreter).push_back('\0');
    add("program", file);
    EXPECT_EQ(verdict("program"),
              "127 program '/bin/program' cannot be started: its interpreter "
              "'/lib64/ld-linux-x86-64.so.2' is not in the image");
    add("torn", file.substr(0, sizeof header + 10));
    EXPECT_EQ(verdict("torn"), "good") << "the kernel will say";
}

TEST_F(StartCheckTest, LeavesAProgramForAnotherProcessorToTheKernel) {
    Elf64_Ehdr header = own_header();
    header.e_machine = EM_S390;
    add("mainframe", bytes(header));
    const std::string verdict_of_it = verdict("mainframe");
    EXPECT_TRUE(verdict_of_it.starts_with(
        "in doubt: /bin/mainframe program '/bin/mainframe' cannot be started: it is for another "
        "kind of processor (s390x) than this machine's ("))
        << verdict_of_it;
    add("script", "#!/bin/mainframe\n");
    EXPECT_TRUE(verdict("script").starts_with(
        "in doubt: /bin/script program '/bin/script' cannot be started: its interpreter "
        "'/bin/mainframe' is for another kind of processor (s390x)"))
        << verdict("script");
}

TEST_F(StartCheckTest, FollowsInterpretersOfInterpreters) {
    add("outer", "#!/bin/inner\n");
    add("inner", "#!/bin/gone\n");
    EXPECT_EQ(
        verdict("outer"),
        "127 program '/bin/outer' cannot be started: its interpreter '/bin/gone' is not in the "
        "image");
    add("inner", "#!/bin/outer\n");
    EXPECT_EQ(verdict("outer"), "good") << "the kernel has a limit of its own";
    add("inner", "", fs::perms(0644));
    EXPECT_EQ(verdict("outer"),
              "126 program '/bin/outer' cannot be started: its interpreter '/bin/inner' is no "
              "executable file");
}

TEST_F(StartCheckTest, SaysWhereLinksGoInCircles) {
    fs::create_symlink("loop", m_root / "bin/loop");
    EXPECT_EQ(verdict("/bin/loop"),
              "126 '/bin/loop' of the image: Too many levels of symbolic links");
    EXPECT_EQ(verdict("loop"), "126 '/bin/loop' of the image: Too many levels of symbolic links");
    add("script", "#!/bin/loop\n");
    EXPECT_EQ(verdict("script"), "126 '/bin/loop' of the image: Too many levels of symbolic links");
    add("here", "");
    m_spec.workdir = "/bin/loop";
    m_spec.missing_workdir = MissingWorkdir::made;
    EXPECT_EQ(verdict("/bin/here"),
              "126 '/bin/loop' of the image, to work in: Too many levels of symbolic links");
}

TEST_F(StartCheckTest, SaysThatTmpIsEmpty) {
    add("here", "");
    make_directories(m_root / "tmp");
    m_spec.workdir = "/tmp/work";
    m_spec.argv = {"/bin/here"};
    const Error error = test::error_of([&] { check_start(m_spec); });
    EXPECT_EQ(error.message(), "the image has no directory '/tmp/work' to work in");
    EXPECT_EQ(error.hint(), "/tmp and /run are empty at the beginning of every run");
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
