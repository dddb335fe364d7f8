#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"

namespace mstage::test {

/// Removes a test's directory: what is brought to disk in the background may still put a lock file
/// there.
template <typename F>
void patiently(const F& remove) {
    for (int attempt = 1;; ++attempt) {
        try {
            remove();
            return;
        } catch (const Error& error) {
            if (attempt == 100) {
                ADD_FAILURE() << "a test's directory stays: " << error.what();
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }
}

/// A real directory below $TMPDIR (or /tmp), gone with the object, whatever modes its content has by
/// then.
class TempDir {
public:
    TempDir()
        : m_path(make_temporary_directory(
              std::filesystem::canonical(std::filesystem::temp_directory_path()), "mstage-test-")) {
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        patiently([&] { remove_tree(m_path); });
    }

    const std::filesystem::path& path() const { return m_path; }
    std::filesystem::path operator/(std::string_view name) const { return m_path / name; }

private:
    std::filesystem::path m_path;
};

/// For what this machine doesn't offer: `return skip_or_fail("...")` in a test, or a plain call in SetUp(). A failure
/// where everything has to work.
inline void skip_or_fail(const std::string& reason) {
    const char* must_work = std::getenv("MSTAGE_TEST_MUST_WORK");
    if (must_work != nullptr && std::string_view(must_work) == "1") {
        FAIL() << "would be skipped: " << reason;
    }
    GTEST_SKIP() << reason;
}

/// The E that `body` throws; the test fails when it throws none.
template <typename E = Error, typename F>
E error_of(F&& body) {
    try {
        std::forward<F>(body)();
    } catch (const E& error) {
        return error;
    }
    throw std::logic_error("no such error was thrown");
}

/// Another process. It is killed with the object when nobody has waited for it.
class Process {
public:
    /// Forks; what `body` returns is the exit code, and 99 is for what it throws.
    explicit Process(const std::function<int()>& body) : m_pid(::fork()) {
        if (m_pid == 0) {
            try {
                ::_exit(body());
            } catch (const std::exception& error) {
                std::fprintf(stderr, "in the other process: %s\n", error.what());
            }
            ::_exit(99);
        }
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (m_pid > 0) {
            kill(SIGKILL);
            wait();
        }
    }

    pid_t pid() const { return m_pid; }
    void kill(int signal) const { ::kill(m_pid, signal); }
    ExitState wait() { return wait_for(std::exchange(m_pid, -1)); }

private:
    pid_t m_pid;
};

/// Waits until `condition` holds, for some seconds; false when it never does.
template <typename F>
bool eventually(const F& condition, std::chrono::seconds patience = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace mstage::test
