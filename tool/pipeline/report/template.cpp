#include "pipeline/report/template.hpp"

// CMake has us compiled again when one of these changes.
asm(R"(
    .pushsection .rodata
    mstage_report_page_begin:
    .incbin ")" MSTAGE_TEMPLATES R"(/report.html"
    mstage_report_page_end:
    mstage_report_style_begin:
    .incbin ")" MSTAGE_TEMPLATES R"(/report/style.css"
    mstage_report_style_end:
    mstage_report_script_begin:
    .incbin ")" MSTAGE_TEMPLATES R"(/report/dom.js"
    .incbin ")" MSTAGE_TEMPLATES R"(/report/graph.js"
    .incbin ")" MSTAGE_TEMPLATES R"(/report/timeline.js"
    .incbin ")" MSTAGE_TEMPLATES R"(/report/log.js"
    .incbin ")" MSTAGE_TEMPLATES R"(/report/sections.js"
    .incbin ")" MSTAGE_TEMPLATES R"(/report/main.js"
    mstage_report_script_end:
    .popsection
)");

extern "C" {
extern const char mstage_report_page_begin[] __attribute__((visibility("hidden")));
extern const char mstage_report_page_end[] __attribute__((visibility("hidden")));
extern const char mstage_report_style_begin[] __attribute__((visibility("hidden")));
extern const char mstage_report_style_end[] __attribute__((visibility("hidden")));
extern const char mstage_report_script_begin[] __attribute__((visibility("hidden")));
extern const char mstage_report_script_end[] __attribute__((visibility("hidden")));
}

namespace mstage::pipeline {

namespace {

std::string_view between(const char* begin, const char* end) {
    return {begin, static_cast<size_t>(end - begin)};
}

/// Replaces single characters.
template <typename F>
std::string replaced(std::string_view text, const F& replacement_of) {
    std::string out;
    for (const char c : text) {
        const std::string_view replacement = replacement_of(c);
        if (replacement.empty()) {
            out += c;
        } else {
            out += replacement;
        }
    }
    return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
    return replaced(text, [](char c) -> std::string_view {
        switch (c) {
            case '&':
                return "&amp;";
            case '<':
                return "&lt;";
            case '>':
                return "&gt;";
            case '"':
                return "&quot;";
            case '\'':
                return "&#39;";
            default:
                return {};
        }
    });
}

std::string json_for_html(const Json& json) {
    // Outside of its texts JSON has none of these.
    return replaced(dump_json(json), [](char c) -> std::string_view {
        switch (c) {
            case '&':
                return "\\u0026";
            case '<':
                return "\\u003c";
            case '>':
                return "\\u003e";
            default:
                return {};
        }
    });
}

std::string_view report_template() {
    return between(mstage_report_page_begin, mstage_report_page_end);
}

std::string_view report_style() {
    return between(mstage_report_style_begin, mstage_report_style_end);
}

std::string_view report_script() {
    return between(mstage_report_script_begin, mstage_report_script_end);
}

}  // namespace mstage::pipeline
