#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.hpp"

namespace mstage::store {

/// A UUID that says what it names: an ImageId can't be passed where a LayerId is wanted.
template <typename Tag>
class Id {
public:
    explicit Id(Uuid uuid) : m_uuid(std::move(uuid)) {}
    static Id generate() { return Id(Uuid::generate()); }
    static std::optional<Id> parse(std::string_view text) {
        auto uuid = Uuid::parse(text);
        return uuid ? std::optional(Id(std::move(*uuid))) : std::nullopt;
    }

    const std::string& str() const noexcept { return m_uuid.str(); }
    std::string short_form() const { return m_uuid.short_form(); }
    auto operator<=>(const Id&) const = default;

private:
    Uuid m_uuid;
};

using ImageId = Id<struct ImageTag>;
using LayerId = Id<struct LayerTag>;
using RunId = Id<struct RunTag>;

}  // namespace mstage::store
