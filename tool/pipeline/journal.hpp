#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mstage::pipeline {

/// A file of lines that is only ever added to, oldest first: by one write under the lock of
/// `<path>.lock`. Past 2000 lines the last 1000 become a new file. A line may be torn, by a full file
/// system or a power cut; the next one stands by itself all the same.
///
/// `lines` are whole, each with its newline, and none is shorter than 100 characters.
void append_journal(const std::filesystem::path& path, const std::string& lines);

/// The lines that have `part` in them.
std::vector<std::string> read_journal(const std::filesystem::path& path,
                                      std::string_view part = {});

}  // namespace mstage::pipeline
