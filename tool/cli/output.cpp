#include "cli/output.hpp"

#include <poll.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "base/text.hpp"

namespace mstage::cli {

void write_output(std::string_view bytes) {
    try {
        with_context("standard output", [&] { write_all(STDOUT_FILENO, bytes); });
    } catch (const SysError& error) {
        if (error.number() == EPIPE) {
            throw OutputClosed();
        }
        throw;
    }
}

void print(const std::string& text) {
    write_output(text);
}

void print_line(const std::string& text) {
    print(text + "\n");
}

void print_error_line(const std::string& text) {
    try {
        write_all(STDERR_FILENO, escape_control(text) + "\n");
    } catch (const Error&) {
        // There is nowhere left to say it.
    }
}

bool is_output_closed() {
    pollfd output{STDOUT_FILENO, 0, 0};
    return ::poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

}  // namespace mstage::cli
