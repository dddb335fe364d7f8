#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "source/entry.hpp"
#include "source/scan.hpp"

namespace mstage::source {

/// A source tree in a temporary directory, with a cache file beside it.
class TreeTest : public ::testing::Test {
protected:
    TreeTest()
        : m_base(make_temporary_directory(::testing::TempDir(), "mstage-source-")),
          m_options{.root = m_base / "src",
                    .exclude = {},
                    .skip = {},
                    .cache_file = m_base / "cache",
                    .key = "plan"} {
        std::filesystem::create_directory(m_options.root);
    }
    ~TreeTest() override { remove_tree(m_base); }

    std::filesystem::path at(const std::string& path) const { return m_options.root / path; }

    void write(const std::string& path, std::string_view content, mode_t mode = 0644) const {
        make_directories(at(path).parent_path());
        const Fd fd = open_fd(at(path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        write_all(fd.get(), content);
        ::fchmod(fd.get(), mode);
    }
    void mkdir(const std::string& path, mode_t mode = 0755) const {
        make_directories(at(path));
        ::chmod(at(path).c_str(), mode);
    }
    void symlink(const std::string& target, const std::string& path) const {
        std::filesystem::create_symlink(target, at(path));
    }
    void remove(const std::string& path) const { remove_tree(at(path)); }

    /// As a build does it when all goes well.
    Tree scan_and_settle() const {
        Tree tree = scan(m_options);
        settle(m_options, tree);
        return tree;
    }

    /// Until files that exist now are older than a scan that starts now.
    static void wait_for_next_tick() { std::this_thread::sleep_for(std::chrono::milliseconds(25)); }

    std::filesystem::path m_base;
    ScanOptions m_options;
};

inline std::vector<std::string> paths_of(const std::vector<Entry>& entries) {
    std::vector<std::string> paths;
    for (const Entry& entry : entries) {
        paths.push_back(entry.path);
    }
    return paths;
}

inline const Entry& entry_at(const std::vector<Entry>& entries, std::string_view path) {
    for (const Entry& entry : entries) {
        if (entry.path == path) {
            return entry;
        }
    }
    throw Error("no entry '{}'", path);
}

inline bool is_root() {
    return ::geteuid() == 0;
}

/// Makes file access checks count for root too, while it lives.
class AsOrdinaryUser {
public:
    AsOrdinaryUser() : m_was_root(is_root()) {
        if (m_was_root && ::seteuid(65534) != 0) {
            throw SysError(errno, "becoming an ordinary user");
        }
    }
    ~AsOrdinaryUser() {
        if (m_was_root && ::seteuid(0) != 0) {
            std::abort();
        }
    }

private:
    bool m_was_root;
};

}  // namespace mstage::source
