#pragma once

#include "cli/command_line.hpp"

namespace mstage::cli {

// One file each.
int run_cat(const Arguments& arguments);
int run_cp(const Arguments& arguments);
int run_images(const Arguments& arguments);
int run_import(const Arguments& arguments);
int run_ls(const Arguments& arguments);
int run_run(const Arguments& arguments);
int run_scan(const Arguments& arguments);
int run_stage(const Arguments& arguments);
int run_status(const Arguments& arguments);
int run_tag(const Arguments& arguments);

}  // namespace mstage::cli
