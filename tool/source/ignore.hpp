#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mstage::source {

/// Patterns in gitignore syntax, for EXCLUDE and INPUTS:
///
///   name      a file or directory of that name at any depth; *, ? and [...] match within one name
///   a/b, /a   a slash at the start or in the middle: relative to the root
///   a/        directories only
///   **/a  a/**/b  a/**    any number of directories; the last: everything below a
///   !pattern  takes back what earlier patterns matched; the last match decides
///   \x        the character itself: "\#x", "\!x", "x\ " (spaces at the end are dropped otherwise)
///   #...      and the empty string: nothing
///
/// Where git takes a pattern that can never match (an open bracket, a lone backslash at the end),
/// this is a UsageError.
class PatternList {
public:
    explicit PatternList(const std::vector<std::string>& patterns);

    enum class Kind { directory, other };

    /// The index (in what the constructor was given) of the last pattern that matches just `path`,
    /// whatever holds for the directories that it is in. `path` is relative to the root.
    std::optional<size_t> last_match(std::string_view path, Kind kind) const;
    /// Whether pattern `index` starts with '!'.
    bool is_negated(size_t index) const;

    /// As git decides: nothing below an excluded directory can be taken back.
    bool excludes(std::string_view path, Kind kind) const;
    /// The same for one who walks down from the root and never enters an excluded directory.
    bool excludes_itself(std::string_view path, Kind kind) const;

    bool empty() const { return m_patterns.empty(); }

private:
    /// What one name is compared with. `text` is without escapes but for `glob`.
    struct Segment {
        enum class Kind { literal, suffix, any, glob, any_depth } kind;
        std::string text;
        bool matches(std::string_view name) const;
    };
    struct Pattern {
        size_t index = 0;
        bool negated = false;
        bool directories_only = false;
        bool at_any_depth = false;  ///< one segment, compared with the last name of the path
        std::vector<Segment> segments;
        bool matches(std::string_view path) const;
    };

    static std::optional<Pattern> parse(const std::string& text);
    static Segment parse_segment(std::string_view text);

    std::vector<Pattern> m_patterns;
    std::vector<bool> m_negated;
};

}  // namespace mstage::source
