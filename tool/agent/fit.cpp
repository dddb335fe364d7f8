#include "agent/fit.hpp"

#include <map>

#include "agent/output.hpp"

namespace mstage::agent {

namespace {

/// A list or text, and what it would save to cut it.
struct Part {
    Json* value = nullptr;
    std::string place;
    size_t size = 0;
};

constexpr size_t k_short = 64;  // nothing is gained by cutting what is shorter

void find_longest(Json& json, const std::string& place, Part& longest) {
    const auto look_at = [&](Json& member, const std::string& name) {
        find_longest(member, place.empty() ? name : place + "." + name, longest);
    };
    if (json.is_object()) {
        for (auto& [name, member] : json.items()) {
            if (!place.empty() || name != "truncated") {
                look_at(member, name);
            }
        }
        return;
    }
    const size_t size = json.is_array() || json.is_string() ? dump_json(json).size() : 0;
    if (size > longest.size && (json.is_string() || json.size() > 1)) {
        longest = {&json, place, size};
    }
    // A list with one long thing in it.
    if (json.is_array() && json.size() == 1) {
        look_at(json.front(), "0");
    }
}

size_t length_of(const Json& value) {
    return value.is_string() ? value.get_ref<const std::string&>().size() : value.size();
}

void halve(Json& value) {
    if (value.is_array()) {
        value.erase(value.begin() + static_cast<std::ptrdiff_t>((value.size() + 1) / 2),
                    value.end());
        return;
    }
    auto& text = value.get_ref<std::string&>();
    text = whole_characters(std::string_view(text).substr(0, text.size() / 2));
}

}  // namespace

Json tool_result(const Json& answer) {
    return {{"content", Json::array({{{"type", "text"}, {"text", dump_json(answer)}}})},
            {"structuredContent", answer},
            {"isError", false}};
}

size_t tool_result_size(const Json& answer) {
    return dump_json(tool_result(answer)).size();
}

void fit(Json& answer, size_t limit) {
    std::map<std::string, size_t> before;
    std::map<std::string, size_t> after;
    while (tool_result_size(answer) > limit) {
        Part longest;
        find_longest(answer, "", longest);
        if (longest.value == nullptr || longest.size < k_short) {
            return;
        }
        const size_t length = length_of(*longest.value);
        before.try_emplace(longest.place, length);
        halve(*longest.value);
        after[longest.place] = length_of(*longest.value);
        Json said = Json::array();
        for (const auto& [place, whole] : before) {
            said.push_back(fmt::format("{}: {} of {}", place, after[place], whole));
        }
        answer["truncated"] = std::move(said);
    }
}

void fit_page(Json& answer, const char* name, size_t offset, size_t total, size_t limit) {
    Json& list = answer[name];
    answer["total"] = total;
    // Each step takes out as much as is too much, by the size that entries have on average.
    for (;;) {
        if (offset + list.size() < total) {
            answer["next_offset"] = offset + list.size();
        }
        const size_t size = tool_result_size(answer);
        if (size <= limit || list.size() <= 1) {
            return;
        }
        const size_t kept = list.size() * limit / size;
        list.erase(list.begin() +
                       static_cast<std::ptrdiff_t>(std::clamp<size_t>(kept, 1, list.size() - 1)),
                   list.end());
    }
}

}  // namespace mstage::agent
