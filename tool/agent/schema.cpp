#include "agent/schema.hpp"

#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace mstage::agent {

namespace {

/// The library's places are "<root>", "[timeout]", …
std::string place_of(const std::vector<std::string>& context) {
    std::string place;
    for (const std::string& part : context) {
        if (part.size() > 2 && part.front() == '[') {
            place += (place.empty() ? "" : ".") + part.substr(1, part.size() - 2);
        }
    }
    return place;
}

/// What it says of an object because of one of its members, of which it has spoken already.
bool repeats_a_member(const std::string& description) {
    return description.starts_with("Failed to validate against ");
}

}  // namespace

std::vector<std::string> schema_faults(const Json& value, const Json& schema) {
    valijson::Schema parsed;
    valijson::SchemaParser parser;
    const valijson::adapters::NlohmannJsonAdapter schema_adapter(schema);
    parser.populateSchema(schema_adapter, parsed);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    const valijson::adapters::NlohmannJsonAdapter adapter(value);
    if (validator.validate(parsed, adapter, &results)) {
        return {};
    }
    std::vector<std::string> faults;
    valijson::ValidationResults::Error error;
    while (results.popError(error)) {
        if (!repeats_a_member(error.description)) {
            const std::string place = place_of(error.context);
            faults.push_back(place.empty() ? error.description : place + ": " + error.description);
        }
    }
    return faults.empty() ? std::vector<std::string>{"it is against the schema"} : faults;
}

void add_defaults(Json& object, const Json& schema) {
    const auto properties = schema.find("properties");
    if (properties == schema.end()) {
        return;
    }
    for (const auto& [name, property] : properties->items()) {
        if (property.contains("default") && !object.contains(name)) {
            object[name] = property["default"];
        }
    }
}

}  // namespace mstage::agent
