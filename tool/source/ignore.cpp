#include "source/ignore.hpp"

#include <fnmatch.h>

#include <algorithm>

#include "base/text.hpp"
#include "source/entry.hpp"

namespace mstage::source {

namespace {

/// Removes spaces at the end, but not one that a backslash protects.
std::string_view trim_trailing_spaces(std::string_view text) {
    size_t end = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
            end = i + 1;
        } else if (text[i] != ' ') {
            end = i + 1;
        }
    }
    return text.substr(0, end);
}

/// "\/" is a slash like any other to git; here slashes have to be seen as such before anything
/// else.
std::string unescape_slashes(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            if (text[i + 1] != '/') {
                out += text[i];
            }
            ++i;
        }
        out += text[i];
    }
    return out;
}

/// Where the bracket expression that starts at `start` ends (its ']'), or npos.
size_t end_of_bracket(std::string_view text, size_t start) {
    size_t i = start + 1;
    if (i < text.size() && (text[i] == '!' || text[i] == '^')) {
        ++i;
    }
    if (i < text.size() && text[i] == ']') {
        ++i;
    }
    for (; i < text.size() && text[i] != ']'; ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text.substr(i).starts_with("[:")) {
            const size_t end = text.find(":]", i + 2);
            if (end != std::string_view::npos) {
                i = end + 1;
            }
        }
    }
    return i < text.size() ? i : std::string_view::npos;
}

/// `text` without its escapes, or nothing when it holds wildcards.
std::optional<std::string> as_literal(std::string_view text) {
    if (text.find_first_of("*?[") == std::string_view::npos &&
        text.find('\\') == std::string_view::npos) {
        return std::string(text);
    }
    std::string literal;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '*' || text[i] == '?' || text[i] == '[') {
            return std::nullopt;
        }
        if (text[i] == '\\') {
            ++i;
        }
        literal += text[i];
    }
    return literal;
}

void check_segment(std::string_view text) {
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
            if (i == text.size()) {
                throw UsageError("there is nothing behind the backslash");
            }
        } else if (text[i] == '[') {
            i = end_of_bracket(text, i);
            if (i == std::string_view::npos) {
                throw UsageError("a '[' is never closed");
            }
        }
    }
}

}  // namespace

PatternList::PatternList(const std::vector<std::string>& patterns) {
    for (const std::string& text : patterns) {
        auto pattern = with_context(fmt::format("pattern '{}'", text), [&] { return parse(text); });
        m_negated.push_back(pattern && pattern->negated);
        if (pattern) {
            pattern->index = m_negated.size() - 1;
            m_patterns.push_back(std::move(*pattern));
        }
    }
}

std::optional<PatternList::Pattern> PatternList::parse(const std::string& text) {
    std::string_view rest = trim_trailing_spaces(text);
    if (rest.empty() || rest.front() == '#') {
        return std::nullopt;
    }
    Pattern pattern;
    if (rest.front() == '!') {
        pattern.negated = true;
        rest.remove_prefix(1);
    }
    std::string body = unescape_slashes(rest);
    if (body.ends_with('/')) {
        pattern.directories_only = true;
        body.pop_back();
    }
    pattern.at_any_depth = body.find('/') == std::string::npos;
    if (body.starts_with('/')) {
        body.erase(0, 1);
    }
    if (body.empty()) {
        throw UsageError("it names nothing");
    }
    for (const std::string& segment : split(body, '/')) {
        pattern.segments.push_back(parse_segment(segment));
    }
    using Kind = Segment::Kind;
    if (pattern.at_any_depth && pattern.segments[0].kind == Kind::any_depth) {
        pattern.segments[0].kind = Kind::any;
    } else if (pattern.segments.back().kind == Kind::any_depth) {
        // What is below, but not the directory itself: at least one more name.
        pattern.segments.push_back({Kind::any, ""});
    }
    return pattern;
}

PatternList::Segment PatternList::parse_segment(std::string_view text) {
    using Kind = Segment::Kind;
    check_segment(text);
    if (text == "**") {
        return {Kind::any_depth, ""};
    }
    if (text == "*") {
        return {Kind::any, ""};
    }
    if (auto literal = as_literal(text)) {
        return {Kind::literal, std::move(*literal)};
    }
    if (text.front() == '*') {
        if (auto literal = as_literal(text.substr(1))) {
            return {Kind::suffix, std::move(*literal)};
        }
    }
    return {Kind::glob, std::string(text)};
}

bool PatternList::Segment::matches(std::string_view name) const {
    switch (kind) {
        case Kind::literal:
            return name == text;
        case Kind::suffix:
            return name.ends_with(text);
        case Kind::glob:
            return ::fnmatch(text.c_str(), std::string(name).c_str(), 0) == 0;
        case Kind::any:
        case Kind::any_depth:
            return true;
    }
    return false;
}

bool PatternList::Pattern::matches(std::string_view path) const {
    if (at_any_depth) {
        return segments[0].matches(name_of(path));
    }
    // As one matches a '*' against characters: on a mismatch the last "**" takes one name more.
    constexpr size_t k_none = std::string_view::npos;
    size_t segment = 0;
    size_t position = 0;  // where the next name starts; path.size() + 1 behind the last
    size_t retry_segment = k_none;
    size_t retry_position = 0;
    while (position <= path.size()) {
        const size_t end = std::min(path.find('/', position), path.size());
        if (segment < segments.size() && segments[segment].kind == Segment::Kind::any_depth) {
            retry_segment = ++segment;
            retry_position = position;
        } else if (segment < segments.size() &&
                   segments[segment].matches(path.substr(position, end - position))) {
            ++segment;
            position = end + 1;
        } else if (retry_segment != k_none) {
            retry_position = std::min(path.find('/', retry_position), path.size()) + 1;
            position = retry_position;
            segment = retry_segment;
        } else {
            return false;
        }
    }
    return segment == segments.size();
}

std::optional<size_t> PatternList::last_match(std::string_view path, Kind kind) const {
    for (auto pattern = m_patterns.rbegin(); pattern != m_patterns.rend(); ++pattern) {
        if (!(pattern->directories_only && kind != Kind::directory) && pattern->matches(path)) {
            return pattern->index;
        }
    }
    return std::nullopt;
}

bool PatternList::is_negated(size_t index) const {
    return m_negated[index];
}

bool PatternList::excludes_itself(std::string_view path, Kind kind) const {
    const auto match = last_match(path, kind);
    return match && !is_negated(*match);
}

bool PatternList::excludes(std::string_view path, Kind kind) const {
    for (size_t slash = path.find('/'); slash != std::string_view::npos;
         slash = path.find('/', slash + 1)) {
        if (excludes_itself(path.substr(0, slash), Kind::directory)) {
            return true;
        }
    }
    return excludes_itself(path, kind);
}

}  // namespace mstage::source
