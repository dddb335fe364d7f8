#include "pipeline/path_mapping.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace mstage::pipeline {

namespace {

/// Options of compilers that a path may follow without anything between.
constexpr std::array<std::string_view, 18> k_joined_options = {
    "-I",           "-L",       "-B",         "-F",       "-o",        "-isystem",
    "-iquote",      "-include", "-idirafter", "-imacros", "-isysroot", "-iprefix",
    "-iwithprefix", "-MF",      "-MT",        "-MQ",      "-T",        "-cxx-isystem"};

/// Whether a path may begin behind `before`, all of the word up to there.
bool can_begin_behind(std::string_view before) {
    constexpr std::string_view k_separators = "=,:;@\"'( ";
    return before.empty() || k_separators.find(before.back()) != std::string_view::npos ||
           std::ranges::find(k_joined_options, before) != k_joined_options.end();
}

/// Whether a directory's name can end before `after`.
bool can_end_before(std::string_view after) {
    constexpr std::string_view k_separators = "/=,:;\"') ";
    return after.empty() || k_separators.find(after.front()) != std::string_view::npos;
}

std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    return path;
}

/// What goes in front of `below`: of "/" nothing, where a '/' comes anyway.
std::string_view new_name(const PathMapping& mapping, std::string_view below) {
    return mapping.to == "/" && below.starts_with('/') ? std::string_view() : mapping.to;
}

}  // namespace

PathMapping parse_path_mapping(const std::string& text) {
    const size_t split = text.find("=/");
    if (!text.starts_with('/') || split == std::string::npos) {
        throw UsageError("'{}' is not FROM=TO with two absolute paths", text);
    }
    PathMapping mapping{without_slash(text.substr(0, split)),
                        without_slash(text.substr(split + 1))};
    if (mapping.from == "/") {
        throw UsageError("'{}': every path is below '/', so that it cannot be told which to map",
                         text);
    }
    return mapping;
}

PathMapper::PathMapper(std::vector<PathMapping> mappings) : m_mappings(std::move(mappings)) {
    std::ranges::stable_sort(m_mappings, [](const PathMapping& a, const PathMapping& b) {
        return a.from.size() > b.from.size();
    });
}

std::string PathMapper::word(std::string_view text) const {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const PathMapping* mapping =
            can_begin_behind(text.substr(0, at)) ? find(text.substr(at)) : nullptr;
        if (mapping == nullptr) {
            out += text[at++];
            continue;
        }
        at += mapping->from.size();
        out += new_name(*mapping, text.substr(at));
    }
    return out;
}

std::optional<std::string> PathMapper::directory(std::string_view path) const {
    const PathMapping* mapping = find(path);
    const bool is_below = mapping != nullptr && (path.size() == mapping->from.size() ||
                                                 path[mapping->from.size()] == '/');
    if (!is_below) {
        return std::nullopt;
    }
    const std::string_view below = path.substr(mapping->from.size());
    return std::string(new_name(*mapping, below)).append(below);
}

const PathMapping* PathMapper::find(std::string_view text) const {
    const auto found = std::ranges::find_if(m_mappings, [&](const PathMapping& mapping) {
        return text.starts_with(mapping.from) && can_end_before(text.substr(mapping.from.size()));
    });
    return found == m_mappings.end() ? nullptr : &*found;
}

}  // namespace mstage::pipeline
