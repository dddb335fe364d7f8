#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "archive/import.hpp"
#include "archive/tar_builder.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/process.hpp"

namespace mstage::archive::test {

namespace fs = std::filesystem;

/// A directory to unpack into, and beside it a canary that must look the same after every test.
class ArchiveTest : public ::testing::Test {
protected:
    void SetUp() override {
        m_directory = make_temporary_directory(fs::temp_directory_path(), "mstage-archive-test-");
        fs::create_directory(target());
        fs::create_directories(canary() / "inner");
        write_file_atomically(canary() / "secret", "canary\n");
        write_file_atomically(canary() / "inner/other", "canary\n");
        m_canary_before = looks_of(canary());
    }

    void TearDown() override {
        EXPECT_EQ(looks_of(canary()), m_canary_before)
            << "something outside the target was touched";
        size_t beside = 0;
        for ([[maybe_unused]] const auto& entry : fs::directory_iterator(m_directory)) {
            ++beside;
        }
        EXPECT_EQ(beside, 2U + m_own_entries) << "something was made beside the target";
        remove_tree(m_directory);
    }

    fs::path target() const { return m_directory / "target"; }
    fs::path canary() const { return m_directory / "canary"; }
    /// One more directory beside the target, for the test's own use.
    fs::path make_beside(const std::string& name) {
        ++m_own_entries;
        fs::create_directory(m_directory / name);
        return m_directory / name;
    }

    /// Owners can be given away by root only; all else is the same for everybody.
    static Options options() { return {.keep_owners = ::geteuid() == 0}; }

    Imported unpack(const std::string& bytes) const {
        const Fd input(::memfd_create("tar", MFD_CLOEXEC));
        write_all(input.get(), bytes);
        ::lseek(input.get(), 0, SEEK_SET);
        return unpack_tar(input.get(), open_fd(target(), O_RDONLY | O_DIRECTORY).get(), options());
    }
    Imported unpack(const TarBuilder& tar) const { return unpack(tar.finished()); }

    /// The message of the Error; empty (and the test failed) when there is none.
    template <typename Input>
    std::string error_of(const Input& input) const {
        try {
            unpack(input);
        } catch (const Error& error) {
            return error.message();
        }
        ADD_FAILURE() << "no error";
        return {};
    }

    std::string content(const std::string& name) const { return read_file(target() / name); }

    struct stat look(const std::string& name) const {
        struct stat info {};
        EXPECT_EQ(::lstat((target() / name).c_str(), &info), 0) << name;
        return info;
    }
    mode_t mode(const std::string& name) const { return look(name).st_mode & 07777; }

    static std::string xattr(const fs::path& path, const char* name) {
        char value[1024];
        const ssize_t size = ::lgetxattr(path.c_str(), name, value, sizeof value);
        return size < 0 ? "(none)" : std::string(value, static_cast<size_t>(size));
    }

    /// Everything but atimes.
    static std::string looks_of(const fs::path& path) {
        struct stat info {};
        EXPECT_EQ(::lstat(path.c_str(), &info), 0);
        std::string looks =
            fmt::format("{} {:o} {} {} {} {} {}.{} {}.{}\n", path.native(), info.st_mode,
                        info.st_nlink, info.st_uid, info.st_gid, info.st_size, info.st_mtim.tv_sec,
                        info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
        if (S_ISREG(info.st_mode)) {
            looks += read_file(path);
        } else if (S_ISDIR(info.st_mode)) {
            for (const auto& entry : fs::directory_iterator(path)) {
                looks += looks_of(entry.path());
            }
        }
        return looks;
    }

private:
    fs::path m_directory;
    std::string m_canary_before;
    size_t m_own_entries = 0;
};

constexpr int k_no_namespace = 99;

/// Runs `body` in a child that is root in a new user namespace which maps nobody else (and in the
/// other new namespaces of `flags`). What it returns is the exit code; k_no_namespace where there
/// can't be such a namespace.
template <typename Body>
ExitState in_user_namespace(int flags, Body body) {
    const uid_t outside = ::geteuid();
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            if (::unshare(CLONE_NEWUSER | flags) != 0) {
                ::_exit(k_no_namespace);
            }
            write_all(open_fd("/proc/self/uid_map", O_WRONLY).get(),
                      fmt::format("0 {} 1", outside));
            ::_exit(body());
        } catch (const std::exception& error) {
            ::fprintf(stderr, "in the user namespace: %s\n", error.what());
            ::_exit(98);
        }
    }
    return wait_for(child);
}

}  // namespace mstage::archive::test
