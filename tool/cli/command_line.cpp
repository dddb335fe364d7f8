#include "cli/command_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/local/local_engine.hpp"

namespace mstage::cli {

namespace fs = std::filesystem;

namespace {

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
}

fs::path default_store() {
    if (const auto store = variable("MSTAGE_STORE")) {
        // The build tool calls us in another directory than people do: two stores.
        if (!fs::path(*store).is_absolute()) {
            throw with_hint(UsageError("MSTAGE_STORE is not an absolute path: '{}'", *store),
                            "export MSTAGE_STORE=" + shell_quote(fs::absolute(*store).native()));
        }
        return *store;
    }
    if (const auto data = variable("XDG_DATA_HOME"); data && fs::path(*data).is_absolute()) {
        return fs::path(*data) / "mstage";
    }
    if (const auto home = variable("HOME")) {
        return fs::path(*home) / ".local/share/mstage";
    }
    throw with_hint(Error("there is no place for the store: HOME is not set"),
                    "set MSTAGE_STORE to a directory of your own");
}

/// The first of the build trees in a source directory; empty when there is none.
std::string build_tree_below(const fs::path& directory) {
    std::vector<std::string> found;
    std::error_code closed;
    for (const auto& entry : fs::directory_iterator(directory, closed)) {
        std::error_code ignored;
        if (fs::is_directory(entry.path() / ".mstage", ignored) &&
            pipeline::BuildTree::find(entry.path())) {
            found.push_back(entry.path().lexically_normal().native());
        }
    }
    return found.empty() ? "" : *std::ranges::min_element(found);
}

}  // namespace

std::string own_name() {
    const fs::path self = fs::read_symlink("/proc/self/exe");
    const auto found = find_program("mstage");
    std::error_code ignored;
    return found && fs::equivalent(*found, self, ignored) ? "mstage" : self.native();
}

fs::path store_path(const std::optional<fs::path>& store) {
    return store ? *store : default_store();
}

std::unique_ptr<engine::Engine> open_engine(const std::optional<fs::path>& store, StoreUse use) {
    return std::make_unique<engine::LocalEngine>(store_path(store), use == StoreUse::makes
                                                                        ? store::IfMissing::made
                                                                        : store::IfMissing::left);
}

Workplace::Workplace(const CommonOptions& common, StoreUse use)
    : tree(pipeline::BuildTree::find(common.directory)), m_directory(common.directory) {
    if (tree && !common.config.empty()) {
        tree->choose_config(common.config);
    }
    engine = open_engine(tree ? tree->plans().front().store : std::nullopt, use);
}

engine::Image Workplace::image(const std::string& reference) const {
    return engine->image(pipeline::resolve_image(*engine, tree, reference));
}

const pipeline::BuildTree& Workplace::build_tree() const {
    if (!tree) {
        const std::string below = build_tree_below(m_directory);
        throw with_hint(
            Error("'{}' is in no build tree with pipelines", m_directory.native()),
            below.empty()
                ? "configure a project that uses MultiStageBuild, or name its build tree with -C"
                : fmt::format("one is '{0}': {1} -C {2} …", below, shell_quote(own_name()),
                              shell_quote(below)));
    }
    return *tree;
}

const pipeline::Plan& plan_named(const pipeline::BuildTree& tree, const std::string& name) {
    std::string known;
    for (const pipeline::Plan& plan : tree.plans()) {
        if (name.empty() || plan.pipeline == name) {
            return plan;
        }
        if (known.find(plan.pipeline) == std::string::npos) {
            known += (known.empty() ? "" : ", ") + plan.pipeline;
        }
    }
    throw with_hint(
        UsageError("build tree '{}' has no pipeline '{}'", tree.directory().native(), name),
        "it has: " + known);
}

std::string own_command(const pipeline::BuildTree& tree) {
    const auto here = pipeline::BuildTree::find(".");
    if (here && here->directory() == tree.directory()) {
        return shell_quote(own_name());
    }
    return fmt::format("{} -C {}", shell_quote(own_name()), shell_quote(tree.directory().native()));
}

ImagePath parse_image_path(const std::string& text) {
    const size_t colon = text.find(":/");
    if (colon != std::string::npos) {
        return {text.substr(0, colon), text.substr(colon + 1)};
    }
    return {text, "/"};
}

std::map<std::string, std::string> proxy_variables() {
    std::map<std::string, std::string> found;
    for (const char* name : {"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
                             "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY"}) {
        if (const auto value = variable(name)) {
            found[name] = *value;
        }
    }
    return found;
}

std::map<std::string, fs::path> authority_variables() {
    std::map<std::string, fs::path> found;
    for (const char* name :
         {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "CARGO_HTTP_CAINFO",
          "NODE_EXTRA_CA_CERTS", "PIP_CERT", "REQUESTS_CA_BUNDLE"}) {
        if (const auto value = variable(name)) {
            found[name] = fs::absolute(*value);
        }
    }
    return found;
}

pipeline::RunContext make_run_context(engine::Engine& engine) {
    return {.engine = engine,
            .helper = own_name(),
            .proxies = proxy_variables(),
            .authorities = authority_variables(),
            .read_secrets = read_secrets,
            .terminal = [](engine::Stream, std::string_view data) { write_output(data); },
            .note = [](const std::string& line) { print_error_line("mstage: " + line); }};
}

}  // namespace mstage::cli
