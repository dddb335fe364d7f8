#include "cli/candidates.hpp"

#include <algorithm>
#include <set>

#include "agent/guide.hpp"
#include "agent/prompts.hpp"
#include "base/text.hpp"
#include "cli/command_line.hpp"
#include "cli/completion.hpp"
#include "engine/local/base_images.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/history.hpp"

namespace mstage::cli {

namespace fs = std::filesystem;

namespace {

/// The build tree and the store, each only if it is there.
struct Surroundings {
    explicit Surroundings(const fs::path& directory) : tree(pipeline::BuildTree::find(directory)) {
        const auto store = tree ? tree->plans().front().store : std::nullopt;
        if (fs::is_directory(store_path(store))) {
            engine = open_engine(store);
        }
    }
    std::optional<pipeline::BuildTree> tree;
    std::unique_ptr<engine::Engine> engine;
};

/// So many digits make the beginning of a UUID one (Engine::find_image()); fewer would list all
/// images along with the checkpoints that begin with the same letter.
constexpr size_t k_least_digits = 4;

void add(Candidates& found, const std::string& text, const std::string& word,
         const std::string& help) {
    if (word.starts_with(text)) {
        found.words.push_back({word, help});
    }
}

/// What may stand behind a checkpoint's name: "@-1", …
void add_generations(Candidates& found, const std::string& text, const std::string& name,
                     size_t generations) {
    for (size_t before = 1; before < generations; ++before) {
        add(found, text, fmt::format("{}@-{}", name, before), "generation");
    }
}

/// Whether what a checkpoint was besides is wanted too.
enum class Besides { yes, no };

void add_checkpoint(Candidates& found, const std::string& text, const pipeline::Plan& plan,
                    const std::string& checkpoint, bool has_short_name, Besides besides) {
    std::vector<std::string> names;
    if (has_short_name) {
        names.push_back(checkpoint);
    }
    // One name is enough until the other one is asked for.
    if (!has_short_name || text.starts_with(plan.pipeline)) {
        names.push_back(plan.pipeline + "." + checkpoint);
    }
    const size_t failures =
        besides == Besides::yes ? pipeline::read_failures(plan, checkpoint).attempts.size() : 0;
    // They would be many: only once they are asked for.
    const bool has_generations = besides == Besides::yes && text.find('@') != std::string::npos;
    const size_t generations =
        has_generations ? pipeline::read_generations(plan, checkpoint).size() : 0;
    for (const std::string& name : names) {
        add(found, text, name, "checkpoint");
        add_generations(found, text, name, generations);
        for (size_t i = 0; i < failures; ++i) {
            add(found, text, name + "@failed" + (i == 0 ? "" : fmt::format("-{}", i)),
                "failed state");
        }
    }
}

void add_checkpoints(Candidates& found, const std::string& text, const pipeline::BuildTree& tree,
                     Besides besides) {
    std::vector<std::string> taken;
    const auto add_one = [&](const pipeline::Plan& plan, const std::string& checkpoint) {
        const bool is_first = std::ranges::find(taken, checkpoint) == taken.end();
        taken.push_back(checkpoint);
        add_checkpoint(found, text, plan, checkpoint, is_first, besides);
    };
    for (const pipeline::Plan& plan : tree.plans()) {
        add_one(plan, pipeline::k_setup_base);
        for (const pipeline::Stage& stage : plan.stages) {
            add_one(plan, stage.checkpoint);
        }
    }
}

bool is_start_of_uuid(const std::string& text) {
    return text.size() >= k_least_digits &&
           text.find_first_not_of("0123456789abcdef-") == std::string::npos;
}

Candidates images(const std::string& text, const Surroundings& place) {
    Candidates found;
    if (place.tree) {
        add_checkpoints(found, text, *place.tree, Besides::yes);
    }
    if (!place.engine) {
        return found;
    }
    for (const auto& [name, image] : place.engine->tags()) {
        add(found, text, "tag:" + name, "tag");
    }
    if (is_start_of_uuid(text)) {
        for (const engine::Image& image : place.engine->images()) {
            add(found, text, image.id.str(), image.origin);
        }
    }
    return found;
}

Candidates checkpoints(const std::string& text, const Surroundings& place) {
    Candidates found;
    if (place.tree) {
        add_checkpoints(found, text, *place.tree, Besides::no);
    }
    return found;
}

Candidates tags(const std::string& text, const Surroundings& place) {
    Candidates found;
    if (place.engine) {
        for (const auto& [name, image] : place.engine->tags()) {
            add(found, text, name, "tag");
        }
    }
    return found;
}

/// Of "IMAGE:/some/dir/beg": the files of /some/dir that begin with "beg".
Candidates image_paths(const std::string& text, const Surroundings& place) {
    Candidates found;
    if (text.find(":/") == std::string::npos) {
        found = images(text, place);
        for (Candidate& candidate : found.words) {
            candidate.word += ":/";
        }
        return found;
    }
    if (!place.engine) {
        return found;
    }
    const ImagePath where = parse_image_path(text);
    const std::string directory = where.path.substr(0, where.path.rfind('/') + 1);
    const engine::Image image =
        place.engine->image(pipeline::resolve_image(*place.engine, place.tree, where.image));
    for (const engine::FileInfo& file : place.engine->list(image, directory, false)) {
        const std::string name = fs::path(file.path).filename();
        const char* end = file.type == 'd' ? "/" : "";
        add(found, text, fmt::format("{}:{}{}{}", where.image, directory, name, end), "");
    }
    return found;
}

Candidates references(const std::string& text) {
    Candidates found;
    add(found, text, "host", "this machine's own system");
    for (const engine::BaseKind& kind : engine::base_kinds()) {
        const std::string prefix(kind.prefix);
        if (text.starts_with(prefix)) {
            found.files = Candidates::Files::all;
            found.prefix = prefix.size();
            return found;
        }
        add(found, text, prefix, std::string(kind.example));
    }
    return found;
}

/// The transports of an export, and after those that write files, names of files.
Candidates destinations(const std::string& text) {
    Candidates found;
    for (const char* transport : {"oci:", "oci-archive:", "docker-archive:", "docker://"}) {
        const std::string prefix = transport;
        if (text.starts_with(prefix) && prefix != "docker://") {
            found.files = Candidates::Files::all;
            found.prefix = prefix.size();
        } else {
            add(found, text, prefix, "");
        }
    }
    return found;
}

Candidates caches(const std::string& text, const Surroundings& place) {
    Candidates found;
    if (place.engine) {
        for (const engine::CacheReport& cache : place.engine->caches()) {
            add(found, text, cache.id, "cache");
        }
    }
    return found;
}

Candidates configurations(const std::string& text, const Surroundings& place) {
    Candidates found;
    std::set<std::string> seen;
    if (place.tree) {
        for (const pipeline::Plan& plan : place.tree->plans()) {
            if (plan.config && seen.insert(*plan.config).second) {
                add(found, text, *plan.config, "configuration");
            }
        }
    }
    return found;
}

Candidates pipelines(const std::string& text, const Surroundings& place) {
    Candidates found;
    std::set<std::string> seen;
    if (place.tree) {
        for (const pipeline::Plan& plan : place.tree->plans()) {
            if (seen.insert(plan.pipeline).second) {
                add(found, text, plan.pipeline, "pipeline");
            }
        }
    }
    return found;
}

Candidates prompts(const std::string& text) {
    Candidates found;
    for (const agent::Prompt& prompt : agent::prompts()) {
        add(found, text, prompt.name, prompt.description);
    }
    return found;
}

/// "source=": of the prompt, those that were not given yet.
Candidates prompt_parameters(const std::string& text, const std::vector<std::string>& before) {
    Candidates found;
    const agent::Prompt* prompt = before.empty() ? nullptr : agent::find_prompt(before.front());
    if (prompt == nullptr) {
        return found;
    }
    for (const agent::PromptParameter& parameter : prompt->parameters) {
        const std::string start = parameter.name + "=";
        const bool is_given = std::ranges::any_of(
            before, [&](const std::string& word) { return word.starts_with(start); });
        if (!is_given) {
            add(found, text, start, parameter.description);
        }
        if (parameter.name == "source" && text.starts_with(start)) {
            found = {.words = {}, .files = Candidates::Files::directories, .prefix = start.size()};
        }
    }
    return found;
}

Candidates guide_sections(const std::string& text) {
    Candidates found;
    for (const agent::GuideSection& section : agent::guide()) {
        add(found, text, section.name, section.title);
    }
    return found;
}

Candidates one_of(const std::vector<std::string>& words, const std::string& text) {
    Candidates found;
    for (const std::string& word : words) {
        add(found, text, word, "");
    }
    return found;
}

}  // namespace

Candidates candidates_for(const std::string& kind, const std::string& text,
                          const fs::path& directory, const std::vector<std::string>& before) {
    if (kind == "IMAGE" || kind == "BEFORE" || kind == "AFTER") {
        return images(text, Surroundings(directory));
    }
    if (kind == "IMAGE:PATH" || kind == "IMAGE[:PATH]") {
        return image_paths(text, Surroundings(directory));
    }
    if (kind == "CHECKPOINT") {
        return checkpoints(text, Surroundings(directory));
    }
    if (kind == "NAME") {
        return tags(text, Surroundings(directory));
    }
    if (kind == "REFERENCE") {
        return references(text);
    }
    if (kind == "CONFIG") {
        return configurations(text, Surroundings(directory));
    }
    if (kind == "PIPELINE" || kind == "[PIPELINE]") {
        return pipelines(text, Surroundings(directory));
    }
    if (kind == "PROMPT") {
        return prompts(text);
    }
    if (kind == "PARAMETER=VALUE") {
        return prompt_parameters(text, before);
    }
    if (kind == "SECTION") {
        return guide_sections(text);
    }
    if (kind == "CACHE") {
        return caches(text, Surroundings(directory));
    }
    if (kind == "DEST") {
        return destinations(text);
    }
    if (kind == "COMPRESSION") {
        return one_of({"gzip", "zstd", "none"}, text);
    }
    if (kind == "SHELL") {
        return one_of(shells(), text);
    }
    if (kind == "DIR") {
        return {.words = {}, .files = Candidates::Files::directories};
    }
    if (kind == "FILE" || kind == "PLAN" || kind == "DESTINATION") {
        return {.words = {}, .files = Candidates::Files::all};
    }
    return {};
}

}  // namespace mstage::cli
