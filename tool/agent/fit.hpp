#pragma once

#include <string>

#include "base/json.hpp"

namespace mstage::agent {

/// What a tool's result may have, in bytes of JSON, unless its caller asked for more: a context
/// window is small.
constexpr size_t k_compact_result = 8000;

/// What a client gets for a tool's answer: the answer itself, and as text for those that read only
/// that.
Json tool_result(const Json& answer);
size_t tool_result_size(const Json& answer);

/// Cuts the longest lists and texts of `answer`, wherever they are, until its tool_result() fits;
/// the member "truncated" then says which, and to what.
void fit(Json& answer, size_t limit = k_compact_result);

/// The same for an answer whose list `name` is a part of a longer one, from `offset` on: "total" is
/// its length, and "next_offset" where the next part begins, if there is one.
void fit_page(Json& answer, const char* name, size_t offset, size_t total,
              size_t limit = k_compact_result);

}  // namespace mstage::agent
