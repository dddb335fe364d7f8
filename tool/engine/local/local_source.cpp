// Source files: scanned, hashed and taken into the store in one go.

#include <algorithm>

#include "base/error.hpp"
#include "engine/local/local_engine.hpp"
#include "source/ignore.hpp"
#include "source/input_lists.hpp"
#include "source/inputs.hpp"
#include "source/scan.hpp"
#include "source/snapshot.hpp"

namespace mstage::engine {

namespace {

/// So often a source may change while it is looked at before we say so.
constexpr int k_scan_attempts = 3;

/// What has to be the same for a stage's share of an unchanged tree to be the same.
std::string request_key(const SourceRequest& request) {
    Json key = {{"workdir", request.workdir}, {"exclude", request.exclude}};
    for (const StageInputs& stage : request.stages) {
        key["stages"][stage.stage] = {{"inputs", stage.patterns ? Json(*stage.patterns) : Json()},
                                      {"exclude", stage.exclude}};
    }
    return dump_json(key);
}

/// What the stage sees of the tree.
std::vector<source::Entry> chosen_entries(const std::vector<source::Entry>& tree,
                                          const StageInputs& stage,
                                          std::vector<std::string>* unmatched) {
    std::vector<source::Entry> entries = source::select(tree, stage.patterns, unmatched);
    const source::PatternList exclude(stage.exclude);
    std::erase_if(entries, [&](const source::Entry& entry) {
        return exclude.excludes(entry.path, entry.type == source::EntryType::directory
                                                ? source::PatternList::Kind::directory
                                                : source::PatternList::Kind::other);
    });
    return entries;
}

/// Calls `body` with the source as it is found, and again when that changes meanwhile.
template <typename F>
auto on_source(const source::ScanOptions& options, const F& body) {
    for (int attempt = 1;; ++attempt) {
        try {
            return body(source::scan(options));
        } catch (source::SourceChanged& error) {
            if (attempt == k_scan_attempts) {
                error.set_hint(
                    "the source keeps changing while it is read: build again when it is at rest");
                throw;
            }
        }
    }
}

source::ScanOptions scan_options(const store::Store& store, const SourceRequest& request) {
    std::vector<std::filesystem::path> skipped = request.skip;
    skipped.push_back(store.root());
    return {.root = request.root,
            .exclude = request.exclude,
            .skip = std::move(skipped),
            .cache_file = request.cache_file,
            .key = request_key(request)};
}

bool is_complete(const store::Store& store, const StageInputs& stage) {
    const auto digest = source::read_inputs_digest(stage.inputs_file);
    return digest && source::find_snapshot(store, *digest) &&
           source::has_input_list(store, *digest);
}

}  // namespace

std::string inputs_digest(const std::filesystem::path& inputs_file) {
    const auto digest = source::read_inputs_digest(inputs_file);
    if (!digest) {
        throw with_hint(
            Error("digest file '{}' is missing or not whole", inputs_file.native()),
            "build the checkpoint through the build tool, which scans the source first");
    }
    return *digest;
}

std::optional<std::vector<InputFile>> read_input_list(const std::filesystem::path& inputs_file) {
    auto inputs = source::read_inputs(inputs_file);
    return inputs ? std::optional(std::move(inputs->entries)) : std::nullopt;
}

SourceReport LocalEngine::scan(const SourceRequest& request) {
    const source::ScanOptions options = scan_options(m_store, request);
    return on_source(options, [&](const source::Tree& tree) {
        SourceReport report{.warnings = tree.warnings, .changed = {}};
        // Where the root is a link, build tools would not see it lead elsewhere.
        const bool is_link = std::filesystem::canonical(request.root) !=
                             std::filesystem::absolute(request.root).lexically_normal();
        if (tree.entries.size() < request.max_watched && !is_link) {
            report.watched = tree.watched();
        }
        for (const StageInputs& stage : request.stages) {
            if (tree.unchanged && is_complete(m_store, stage)) {
                continue;
            }
            std::vector<std::string> unmatched;
            const source::Inputs inputs = source::make_inputs(
                request.workdir, chosen_entries(tree.entries, stage, &unmatched));
            for (const std::string& pattern : unmatched) {
                report.warnings.push_back(
                    fmt::format("stage '{}': the input pattern '{}' matches nothing in '{}'",
                                stage.stage, pattern, request.root.native()));
            }
            source::take_snapshot(m_store, request.root, request.workdir, inputs,
                                  source::read_inputs(stage.inputs_file));
            if (source::write_inputs(stage.inputs_file, inputs)) {
                report.changed.push_back(stage.stage);
            }
            source::keep_input_list(m_store, inputs, stage.inputs_file);
        }
        source::settle(options, tree);
        return report;
    });
}

std::vector<InputsLook> LocalEngine::look(const SourceRequest& request,
                                          const std::filesystem::path& scratch) {
    source::ScanOptions options = scan_options(m_store, request);
    options.cache_after = source::CacheAfter::untouched;
    return on_source(options, [&](const source::Tree& tree) {
        std::vector<InputsLook> found;
        for (const StageInputs& stage : request.stages) {
            auto before = source::read_inputs_digest(stage.inputs_file);
            if (tree.unchanged && before) {
                found.push_back({stage.stage, std::move(*before), stage.inputs_file});
                continue;
            }
            const source::Inputs inputs =
                source::make_inputs(request.workdir, chosen_entries(tree.entries, stage, nullptr));
            if (inputs.digest == before) {
                found.push_back({stage.stage, inputs.digest, stage.inputs_file});
                continue;
            }
            const std::filesystem::path file = scratch / (stage.stage + ".inputs");
            source::write_inputs(file, inputs);
            found.push_back({stage.stage, inputs.digest, file});
        }
        return found;
    });
}

std::optional<std::vector<InputFile>> LocalEngine::input_list(const std::string& digest) {
    auto inputs = source::find_input_list(m_store, digest);
    return inputs ? std::optional(std::move(inputs->entries)) : std::nullopt;
}

std::vector<store::LayerId> LocalEngine::without_replaced(std::vector<store::LayerId> layers,
                                                          const RunRequest& request) const {
    for (const std::string& digest : request.replaced_inputs) {
        if (const auto snapshot = source::find_snapshot(m_store, digest)) {
            std::erase_if(layers, [&](const store::LayerId& layer) {
                return std::ranges::find(snapshot->layers, layer) != snapshot->layers.end();
            });
        }
    }
    return layers;
}

std::vector<store::LayerId> LocalEngine::source_layers(const RunRequest& request) {
    if (!request.inputs_digest) {
        return {};
    }
    if (const auto snapshot = source::find_snapshot(m_store, *request.inputs_digest)) {
        return snapshot->layers;
    }
    const auto inputs = source::read_inputs(request.inputs_file);
    if (!inputs || inputs->digest != *request.inputs_digest) {
        throw with_hint(Error("the source files with digest '{}' are not at hand any more",
                              *request.inputs_digest),
                        "build again: another build has scanned the source meanwhile");
    }
    return source::take_snapshot(m_store, request.source_root, request.source_workdir, *inputs,
                                 std::nullopt)
        .layers;
}

}  // namespace mstage::engine
