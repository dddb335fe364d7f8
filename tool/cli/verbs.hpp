#pragma once

#include "cli/command_line.hpp"
#include "cli/verb_description.hpp"

namespace mstage::cli {

/// The options that stand before the verb.
const std::vector<OptionDescription>& general_options();
struct VariableDescription {
    std::string name;
    std::string help;
};
/// Those of the environment that are ours.
const std::vector<VariableDescription>& environment_variables();
/// What an image argument may be, in plain text.
extern const char* const k_image_references;

// One file each.
int run_caches(const Arguments& arguments);
int run_cat(const Arguments& arguments);
int run_complete(const Arguments& arguments);
int run_completion(const Arguments& arguments);
int run_compile_commands(const Arguments& arguments);
int run_cp(const Arguments& arguments);
int run_diff(const Arguments& arguments);
int run_export(const Arguments& arguments);
int run_history(const Arguments& arguments);
int run_images(const Arguments& arguments);
int run_import(const Arguments& arguments);
int run_lineage(const Arguments& arguments);
int run_ls(const Arguments& arguments);
int run_manual(const Arguments& arguments);
int run_mcp(const Arguments& arguments);
int run_prompt(const Arguments& arguments);
int run_rollback(const Arguments& arguments);
int run_report(const Arguments& arguments);
int run_run(const Arguments& arguments);
int run_scan(const Arguments& arguments);
int run_shell(const Arguments& arguments);
int run_stage(const Arguments& arguments);
int run_status(const Arguments& arguments);
int run_tag(const Arguments& arguments);
int run_watch(const Arguments& arguments);
int run_why(const Arguments& arguments);

}  // namespace mstage::cli
