#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace mstage {

/// A UUID in its canonical text form: 36 characters, lower case. Never empty; safe as a file name.
class Uuid {
public:
    static Uuid generate();
    /// Nothing when `text` is not a UUID; upper case is accepted.
    static std::optional<Uuid> parse(std::string_view text);

    const std::string& str() const noexcept { return m_text; }
    /// The first eight digits, for people.
    std::string short_form() const { return m_text.substr(0, 8); }

    auto operator<=>(const Uuid&) const = default;

private:
    explicit Uuid(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

}  // namespace mstage
