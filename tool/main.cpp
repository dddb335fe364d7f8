#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/main_loop.hpp"
#include "cli/output.hpp"

namespace {

int complain(const std::string& message, const std::string& hint, int code) {
    std::string text = "mstage: error: " + mstage::escape_control(message) + "\n";
    if (!hint.empty()) {
        text += "  " + mstage::escape_control(hint) + "\n";
    }
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    return code;
}

/// What had to be tidied up has been by now.
int end_by_closed_output() {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
    return mstage::cli::k_signal_base + SIGPIPE;
}

/// Else a file of the store could get the number of a closed stdout, and output would go there. The
/// wrong way around, so that to use them is the error that it would have been.
void hold_closed_standard_fds() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) < 0) {
            [[maybe_unused]] const int same_number =
                ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
        }
    }
}

/// What others may do with our files is the caller's to say; that we may do nothing with them would
/// only leave what nobody can use or clear away.
void keep_files_ours() {
    const mode_t mask = ::umask(0);
    ::umask(mask & 0077);
}

/// The standard library's errors are in its own words. That of a working directory that somebody has
/// removed is the one that people meet.
int complain_of_file_system(const std::filesystem::filesystem_error& error) {
    std::error_code gone;
    [[maybe_unused]] const auto directory = std::filesystem::current_path(gone);
    if (gone) {
        return complain("the working directory cannot be used: " + gone.message(),
                        "it may have been removed: go to one that is there, or come back with "
                        "'cd .' if it was made anew",
                        mstage::cli::k_failed);
    }
    return complain(error.what(), "", mstage::cli::k_failed);
}

}  // namespace

int main(int argc, char** argv) {
    using namespace mstage;
    // A closed pipe is an error that we see, not one that ends us in the middle of something.
    std::signal(SIGPIPE, SIG_IGN);
    // Where the caller ignores it nobody could wait for a child.
    std::signal(SIGCHLD, SIG_DFL);
    hold_closed_standard_fds();
    keep_files_ours();
    try {
        return cli::run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const cli::OutputClosed&) {
        return end_by_closed_output();
    } catch (const UsageError& error) {
        return complain(error.message(), error.hint(), cli::k_wrong_usage);
    } catch (const Interrupted& error) {
        return complain(error.message(), "", cli::k_signal_base + error.signal());
    } catch (const Error& error) {
        return complain(error.message(), error.hint(), cli::k_failed);
    } catch (const std::filesystem::filesystem_error& error) {
        return complain_of_file_system(error);
    } catch (const std::exception& error) {
        return complain(error.what(), "", cli::k_failed);
    }
}
