#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/secret_source.hpp"
#include "pipeline/stage_runner.hpp"

namespace mstage::cli {

/// The words after the verb.
using Arguments = std::vector<std::string>;

/// Whether people are to see the verb: in help, completion and the manual.
enum class Listed { yes, no };

/// One verb: its entry in the table that help, completion, manual and dispatch come from. `run`
/// returns the exit code; all that it does before VerbParser::read() is to describe itself.
struct Verb {
    const char* name;
    const char* summary;
    int (*run)(const Arguments& arguments);
    Listed listed = Listed::yes;
};
const std::vector<Verb>& verbs();

/// The options that every verb has.
struct CommonOptions {
    std::filesystem::path directory = ".";  ///< -C
    std::string config;                     ///< --config; empty: the build tree's default
};

/// A verb's parser with the common options in it. CLI11 does the work; it stays behind this class
/// because each file that includes it takes ten seconds to compile.
///
/// `names` are as CLI11 has them: "-e,--env" for an option, "IMAGE" for a positional argument. The
/// variables get the values in read().
class VerbParser {
public:
    explicit VerbParser(const std::string& verb);
    ~VerbParser();

    enum class Needed { yes, no };
    void argument(const std::string& name, std::string& value, const std::string& help,
                  Needed needed);
    /// What is not ours: the first word that is no argument or option of ours, and all that follows.
    void rest(std::vector<std::string>& words);
    /// All that is left.
    void arguments(const std::string& name, std::vector<std::string>& values,
                   const std::string& help, Needed needed);
    void option(const std::string& names, const std::string& type, std::string& value,
                const std::string& help);
    /// The value may be missing: "" then, and nothing when the option is.
    void option_or_flag(const std::string& names, const std::string& type,
                        std::optional<std::string>& value, const std::string& help);
    /// May be given more than once.
    void options(const std::string& names, const std::string& type,
                 std::vector<std::string>& values, const std::string& help);
    void seconds(const std::string& names, double& value, const std::string& help);
    void flag(const std::string& names, bool& value, const std::string& help);
    /// The next options are listed under this heading.
    void group(const std::string& heading);
    /// The option `name` makes no sense without `other`.
    void needs(const std::string& name, const std::string& other);
    void footer(const std::string& text);

    CommonOptions common;

    /// True when the verb is to go on; false when --help was asked for and has been printed. Throws
    /// UsageError.
    bool read(const Arguments& arguments);

private:
    struct Parser;
    std::unique_ptr<Parser> m_parser;
};

/// Where images are: `store` (a plan's), else $MSTAGE_STORE, else the user's.
std::filesystem::path store_path(const std::optional<std::filesystem::path>& store);

/// What a verb wants of a store that is missing.
enum class StoreUse {
    makes,  ///< it is made
    looks,  ///< nothing: there are no images, and that is the answer
};

/// The engine whose images a verb means, with the store at store_path().
std::unique_ptr<engine::Engine> open_engine(const std::optional<std::filesystem::path>& store,
                                            StoreUse use = StoreUse::makes);

/// A verb's view: the build tree that it stands in, if any, and its engine.
struct Workplace {
    std::optional<pipeline::BuildTree> tree;
    std::unique_ptr<engine::Engine> engine;

    explicit Workplace(const CommonOptions& common, StoreUse use = StoreUse::looks);
    engine::Image image(const std::string& reference) const;
    /// Throws when the verb stands in none.
    const pipeline::BuildTree& build_tree() const;

private:
    std::filesystem::path m_directory;
};

/// The pipeline of that name, by its first plan; without a name the first of all. Throws a UsageError
/// that lists those that there are.
const pipeline::Plan& plan_named(const pipeline::BuildTree& tree, const std::string& name);

/// How a person calls this program for that build tree: with -C, if he does not stand in it.
std::string own_command(const pipeline::BuildTree& tree);

/// "IMAGE:/PATH" in two; the path is "/" when there is none. Throws UsageError when the path is not
/// absolute.
struct ImagePath {
    std::string image;
    std::string path;
};
ImagePath parse_image_path(const std::string& text);

/// How a person calls this program: "mstage" where the shell would find this very program under that
/// name, else its path.
std::string own_name();

/// The caller's proxy variables, which commands get too.
std::map<std::string, std::string> proxy_variables();
/// The caller's variables that name a file of certificate authorities, for programs that speak TLS;
/// commands get those files too. A machine whose traffic goes through a proxy that ends TLS cannot
/// do without.
std::map<std::string, std::filesystem::path> authority_variables();

/// `text` as parse_secret() takes it, with the path of a file that begins with "~/" made absolute.
std::string expand_home(const std::string& secret);
/// The values of secrets, for a command that runs next. From then on no process that we start finds
/// the variables among its own, and no memory of ours is dumped. Throws Error, with the id and the
/// source, when one is not there, empty, too short to be recognised or too long.
std::vector<engine::Secret> read_secrets(const std::vector<pipeline::SecretSource>& sources);

/// A RunContext whose notes go to stderr and whose live output to stdout.
pipeline::RunContext make_run_context(engine::Engine& engine);

/// Runs `body`; on a machine that can have no sandbox says so in the way that CTest takes for a
/// skip.
template <typename F>
auto skip_if_unavailable(F&& body) {
    try {
        return body();
    } catch (const engine::Unavailable& error) {
        print_error_line(k_skip_prefix + error.message());
        throw;
    }
}

}  // namespace mstage::cli
