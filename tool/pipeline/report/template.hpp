#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace mstage::pipeline {

/// `text` for places between tags and in quoted attributes of HTML.
std::string escape_html(std::string_view text);

/// The document for the inside of a <script type="application/json">: no text in it can end the
/// element or begin a comment. Bytes that are no UTF-8 become U+FFFD.
std::string json_for_html(const Json& json);

/// The files of templates/ that are carried in the helper: a page with places to be filled, and what
/// goes into them.
std::string_view report_template();
std::string_view report_style();
std::string_view report_script();

}  // namespace mstage::pipeline
