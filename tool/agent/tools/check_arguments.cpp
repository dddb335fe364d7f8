#include "agent/tools/check_arguments.hpp"

#include <fmt/ranges.h>

#include <cmath>

#include "agent/schema.hpp"
#include "base/error.hpp"

namespace mstage::agent {

namespace {

void make_regular(Json& arguments, const Json& schema) {
    constexpr double k_exact = 9e15;
    for (auto member = arguments.begin(); member != arguments.end();) {
        const Json property = schema["properties"].value(member.key(), Json::object());
        const Json type = property.value("type", Json());
        if (member->is_null() && !property.contains("anyOf")) {
            member = arguments.erase(member);
            continue;
        }
        if (type == "integer" && member->is_number_float()) {
            const auto number = member->get<double>();
            if (number == std::floor(number) && std::abs(number) < k_exact) {
                *member = static_cast<std::int64_t>(number);
            }
        }
        ++member;
    }
}

std::string known_arguments(const Json& schema) {
    std::string known;
    for (const auto& [property, unused] : schema["properties"].items()) {
        known += (known.empty() ? "there are: " : ", ") + property;
    }
    return known.empty() ? "it has none" : known;
}

/// What a wrong argument should have been.
std::string hint_for(const std::string& fault, const Json& schema) {
    const Json& properties = schema["properties"];
    const std::string name = fault.substr(0, fault.find_first_of(":."));
    if (properties.contains(name)) {
        Json wanted = properties[name];
        wanted.erase("description");
        return fmt::format("'{}' has to be {}", name, dump_json(wanted));
    }
    return known_arguments(schema);
}

void forbid_unknown(const ToolDescription& tool, const Json& arguments) {
    for (const auto& [name, unused] : arguments.items()) {
        if (!tool.input_schema["properties"].contains(name)) {
            throw with_hint(Error("'{}' has no argument '{}'", tool.name, name),
                            known_arguments(tool.input_schema));
        }
    }
}

void forbid_nul(const Json& arguments) {
    for (const auto& [name, value] : arguments.items()) {
        const bool is_content = name == "content" || name == "stdin";
        if (value.is_string() && !is_content &&
            value.get_ref<const std::string&>().find('\0') != std::string::npos) {
            throw Error("'{}' has a NUL in it", name);
        }
    }
}

}  // namespace

Json checked_arguments(const ToolDescription& tool, Json arguments) {
    make_regular(arguments, tool.input_schema);
    forbid_unknown(tool, arguments);
    const std::vector<std::string> faults = schema_faults(arguments, tool.input_schema);
    if (!faults.empty()) {
        throw with_hint(
            Error("the arguments of '{}' are wrong: {}", tool.name, fmt::join(faults, "; ")),
            hint_for(faults.front(), tool.input_schema));
    }
    forbid_nul(arguments);
    add_defaults(arguments, tool.input_schema);
    return arguments;
}

}  // namespace mstage::agent
