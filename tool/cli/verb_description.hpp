#pragma once

#include <string>
#include <vector>

namespace mstage::cli {

struct Verb;

struct OptionDescription {
    std::vector<std::string> names;  ///< with their dashes, the short one first
    std::string value;               ///< what stands for the value in help; empty for a flag
    std::string help;
    std::string heading;  ///< under which help lists it
};

struct ArgumentDescription {
    std::string name;
    std::string help;
    bool needed = false;
    bool several = false;
};

/// What a verb takes, as its parser knows it: completion and the manual are made of it.
struct VerbDescription {
    std::vector<OptionDescription> options;
    std::vector<ArgumentDescription> arguments;
    bool command_follows = false;  ///< after the arguments come words that are not ours
    std::string footer;
};

/// The verb is run no further than to VerbParser::read().
VerbDescription describe(const Verb& verb);

}  // namespace mstage::cli
