#pragma once

#include "agent/settings.hpp"
#include "base/json.hpp"

namespace mstage::agent {

/// prompts/list: those of the templates, and `pipeline`, which is filled in from a build tree.
Json list_prompts();

/// "name" and "arguments" of prompts/get, of which it is sure then that they are a string and an
/// object of strings. Throws ProtocolError.
Json prompt_arguments(const Json& params);
/// prompts/get. Throws when the prompt, or one of its arguments, is unknown, or one is missing.
Json get_prompt(const Settings& settings, const Json& arguments);

}  // namespace mstage::agent
