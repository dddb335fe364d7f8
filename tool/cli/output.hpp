#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mstage::cli {

/// Nobody reads our stdout any more, as behind `| head`. main() ends as a program does that the
/// signal SIGPIPE ends: without a word.
class OutputClosed : public Error {
public:
    OutputClosed() : Error("standard output was closed by its reader") {}
};

/// Bytes to stdout. Throws OutputClosed.
void write_output(std::string_view bytes);
void print(const std::string& text);
void print_line(const std::string& text);
void print_error_line(const std::string& text);

/// Whether stdout is a pipe that nobody reads from: for who lets others write to it.
bool is_output_closed();

}  // namespace mstage::cli
