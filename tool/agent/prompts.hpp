#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"

namespace mstage::agent {

struct PromptParameter {
    std::string name;
    std::string description;
    std::optional<std::string> default_value;  ///< nothing: required unless optional
    bool required = false;
};

/// Instructions for an agent: templates/prompts/NAME.md, which is
///
///     a JSON object with `title`, `description` and `parameters`: in order, each with `name`,
///         `description` and, if it has one, `default`, or `required`: true
///     a line "---"
///     Markdown with the place {{name}} for a parameter
struct Prompt {
    std::string name;
    std::string title;
    std::string description;
    std::vector<PromptParameter> parameters;
    std::string_view body;
};

const std::vector<Prompt>& prompts();
/// nullptr when there is none.
const Prompt* find_prompt(std::string_view name);

/// The instructions with the arguments in their places, each as code that holds it to the letter
/// (as_code()) and is not looked at again. An empty argument counts as none. Throws a UsageError that
/// names all parameters that are missing, empty or unknown.
std::string fill_prompt(const Prompt& prompt, const std::map<std::string, std::string>& arguments);

/// The same for a pipeline of a build tree, from what is configured and what there is at present: its
/// stages, and the commands to build, resume, look and go back. Of secrets it has the ids. `helper` is
/// how the reader calls this program.
std::string pipeline_prompt(engine::Engine& engine, const pipeline::BuildTree& tree,
                            const pipeline::Plan& plan, const std::string& helper = "mstage");

}  // namespace mstage::agent
