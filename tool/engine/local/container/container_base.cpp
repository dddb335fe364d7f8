#include "engine/local/container/container_base.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "archive/attributes.hpp"
#include "archive/oci/unpack_layer.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/local/container/image_source.hpp"
#include "engine/local/container/layer_directory.hpp"
#include "sandbox/root_plan.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

using store::LayerId;

struct RootAttributes {
    mode_t mode = 0755;
    uid_t owner = 0;
    gid_t group = 0;
    std::vector<Xattr> xattrs{};
    bool operator==(const RootAttributes&) const = default;
};

RootAttributes root_of(const fs::path& layer) {
    const Fd root = open_fd(layer, O_PATH | O_DIRECTORY);
    struct stat info {};
    if (::fstat(root.get(), &info) != 0) {
        throw SysError(errno, "looking at layer '{}'", layer.native());
    }
    return {info.st_mode, info.st_uid, info.st_gid,
            read_xattrs(root.get(), archive::is_kept_attribute)};
}

/// False also when that cannot be known: others' attributes are not always ours to read.
bool have_the_same_root(const fs::path& a, const fs::path& b) {
    try {
        return root_of(a) == root_of(b);
    } catch (const SysError&) {
        return false;
    }
}

/// Makes the image's layers one after the other, each from the store or from its blob.
class LayerImporter {
public:
    LayerImporter(ImageSource& source, const ImportContext& context)
        : m_source(source),
          m_context(context),
          m_table(context.store.unpacked()),
          m_ids(context.ids.mode == sandbox::IdMode::single ? "single" : "all") {
        std::string chain;
        for (const archive::ImageLayer& layer : source.image().layers) {
            chain = archive::chain_id(chain, layer.diff_id);
            m_names.push_back({.chain = fmt::format("chain {} {}", m_ids, chain),
                               .diff = fmt::format("diff {} {}", m_ids, layer.diff_id.str())});
        }
    }

    ImportedTree run() {
        std::vector<size_t> wanted;
        for (size_t i = 0; i < m_names.size(); ++i) {
            if (!find(m_names[i].chain) && !find(m_names[i].diff)) {
                wanted.push_back(i);
            }
        }
        m_source.prepare(wanted);
        for (size_t i = 0; i < m_names.size(); ++i) {
            with_context(fmt::format("layer {} of {}", i + 1, m_names.size()), [&] { add(i); });
        }
        return std::move(m_tree);
    }

private:
    struct Names {
        std::string chain;
        std::string diff;
    };

    std::optional<LayerId> find(const std::string& name) {
        const auto layer = m_table.find(name);
        if (!layer) {
            return std::nullopt;
        }
        m_context.work.pin(*layer);
        return m_context.store.has_layer(*layer) ? layer : std::nullopt;
    }

    void add(size_t i) {
        const Names& names = m_names[i];
        ImportedLayer layer{.known = find(names.chain)};
        if (!layer.known) {
            layer.known = find_by_diff(names.diff);
            layer.names = {names.chain};
        }
        if (layer.known) {
            m_source.check_size(i);
        } else {
            layer.directory = make_layer_directory(m_context.work.path() / fmt::format("{}", i));
            if (unpack(i, layer.directory)) {
                layer.names.push_back(names.diff);
            }
        }
        m_paths.push_back(layer.known ? m_context.store.layer_path(*layer.known) : layer.directory);
        m_tree.layers.push_back(std::move(layer));
    }

    std::optional<LayerId> find_by_diff(const std::string& name) {
        const auto layer = find(name);
        // See archive::unpack_layer(). Overlayfs takes no layer twice.
        const bool fits =
            layer &&
            std::ranges::find(m_paths, m_context.store.layer_path(*layer)) == m_paths.end() &&
            (m_paths.empty() ||
             have_the_same_root(m_context.store.layer_path(*layer), m_paths.back()));
        return fits ? layer : std::nullopt;
    }

    /// True when the result is the same whatever is below.
    bool unpack(size_t i, const fs::path& directory) {
        const archive::ImageLayer& layer = m_source.image().layers[i];
        const archive::LayerBlob blob{m_source.open(i), layer.blob, layer.diff_id};
        const std::string answer = sandbox::answer_from_user_namespace(
            m_context.ids,
            [&] {
                const Fd target = open_fd(directory, O_RDONLY | O_DIRECTORY);
                archive::LowerTree lower(m_paths.empty() ? nullptr
                                                         : std::function([&] { return mount(); }));
                const archive::Imported imported = archive::unpack_layer(
                    blob, target.get(), lower, archive_options(m_context.ids));
                return dump_json(
                    {{"warnings", left_out(imported)}, {"independent", !lower.was_consulted()}});
            },
            {}, &m_context.signals);
        const Json report = parse_json(answer, "the report on a layer");
        for (auto& warning : json_get<std::vector<std::string>>(report, "warnings")) {
            m_tree.warnings.push_back(std::move(warning));
        }
        return json_get<bool>(report, "independent");
    }

    /// The layers so far as one tree; in the mount namespace of who unpacks the next.
    Fd mount() const {
        const fs::path place = m_context.work.path() / "below";
        const fs::path nothing = m_context.work.path() / "nothing";
        fs::create_directory(place);
        fs::create_directory(nothing);
        sandbox::OverlayMount overlay{
            .at = "", .lowers = {m_paths.rbegin(), m_paths.rend()}, .changes = {}};
        // A read-only overlay wants two lower layers.
        overlay.lowers.push_back(nothing);
        sandbox::mount_root({.mount_point = place, .overlays = {std::move(overlay)}, .binds = {}});
        return open_fd(place, O_PATH | O_DIRECTORY);
    }

    ImageSource& m_source;
    const ImportContext& m_context;
    store::LayerTable m_table;
    std::string m_ids;
    std::vector<Names> m_names;
    std::vector<fs::path> m_paths;  // of the layers so far, lowest first
    ImportedTree m_tree;
};

ImportedTree import_container(ImageSource& source, const ImportContext& context) {
    if (source.image().layers.size() + 2 > sandbox::k_max_lowers) {
        throw Error("the image has {} layers, too many for the kernel",
                    source.image().layers.size());
    }
    ImportedTree tree;
    tree.image = context.find_known("container image " + source.image().config_digest.str());
    if (!tree.image) {
        tree = LayerImporter(source, context).run();
        tree.config = image_config_of(source.image().config);
    }
    return tree;
}

/// What becomes a word of a command line or a line of an environment.
const std::string& checked(const std::string& text) {
    if (text.find('\0') != std::string::npos) {
        throw Error("the image's configuration has a NUL in '{}'", escape_control(text));
    }
    return text;
}

}  // namespace

store::ImageConfig image_config_of(const Json& config) {
    store::ImageConfig result;
    result.oci = config;
    for (const char* transient : {"rootfs", "container", "container_config", "id", "parent"}) {
        result.oci.erase(transient);
    }
    Json run = json_find<Json>(config, "config").value_or(Json::object());
    if (!run.is_object()) {
        throw Error("field 'config' has the wrong type");
    }
    for (const std::string& variable :
         json_find<std::vector<std::string>>(run, "Env").value_or(std::vector<std::string>())) {
        const size_t equals = variable.find('=');
        if (equals != std::string::npos && equals > 0) {
            result.environment[checked(variable).substr(0, equals)] = variable.substr(equals + 1);
        }
    }
    const std::string workdir = json_find<std::string>(run, "WorkingDir").value_or("");
    result.workdir = (fs::path("/") / checked(workdir)).lexically_normal();
    result.user = checked(json_find<std::string>(run, "User").value_or(""));
    for (const char* ours : {"Env", "WorkingDir", "User"}) {
        run.erase(ours);
    }
    result.oci["config"] = std::move(run);
    return result;
}

ImportedTree import_from_registry(const std::string& operand, const ImportContext& context) {
    return import_container(*open_registry_image(operand, context.work.path(), context.signals),
                            context);
}

ImportedTree import_oci_layout(const std::string& operand, const ImportContext& context) {
    return import_container(*open_oci_layout(operand), context);
}

ImportedTree import_oci_archive(const std::string& operand, const ImportContext& context) {
    return import_container(*open_oci_archive(operand, context.work.path()), context);
}

ImportedTree import_docker_archive(const std::string& operand, const ImportContext& context) {
    return import_container(*open_docker_archive(operand, context.work.path()), context);
}

}  // namespace mstage::engine
