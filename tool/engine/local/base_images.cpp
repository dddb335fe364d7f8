#include "engine/local/base_images.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "archive/import.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "engine/local/container/container_base.hpp"
#include "engine/local/container/layer_directory.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

using sandbox::IdMode;
using Processes = sandbox::NamespaceChild::Processes;

/// Fills a new directory in a user namespace, where the tree's owners exist.
template <typename F>
ImportedTree fill(const ImportContext& context, const F& import,
                  Processes processes = Processes::shared) {
    const fs::path path = make_layer_directory(context.work.path() / "tree");
    const std::string report = sandbox::answer_from_user_namespace(
        context.ids,
        [&] {
            const Fd directory = open_fd(path, O_RDONLY | O_DIRECTORY);
            const auto imported = import(directory.get(), archive_options(context.ids));
            return dump_json({{"warnings", left_out(imported)}});
        },
        {}, &context.signals, processes);
    ImportedTree tree;
    tree.layers.push_back({.directory = path});
    tree.warnings = json_get<std::vector<std::string>>(parse_json(report, "report"), "warnings");
    return tree;
}

ImportedTree import_rootfs(const std::string& operand, const ImportContext& context) {
    const fs::path source = operand;
    if (!source.is_absolute()) {
        throw UsageError("'rootfs:{}' must name an absolute path", operand);
    }
    if (fs::is_directory(source)) {
        return fill(context, [&](int directory, const archive::Options& options) {
            const Fd from = open_fd(source, O_RDONLY | O_DIRECTORY);
            return archive::copy_tree(from.get(), directory, options);
        });
    }
    const Fd from = open_fd(source, O_RDONLY);
    return fill(context, [&](int directory, const archive::Options& options) {
        return archive::unpack_tar(from.get(), directory, options);
    });
}

struct DebianReference {
    std::string suite;
    std::vector<std::string> packages;
};

bool consists_of(std::string_view text, std::string_view allowed) {
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view k_suite_characters = "abcdefghijklmnopqrstuvwxyz0123456789.-";
constexpr std::string_view k_package_characters = "abcdefghijklmnopqrstuvwxyz0123456789.-+:";

/// A '+' can also end a package's name (g++) or stand in it (libsigc++-2.0-dev): only one that a
/// name follows separates.
std::vector<std::string> split_at_plus(const std::string& text) {
    std::vector<std::string> names = {""};
    for (size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = std::string_view(text).substr(i + 1);
        const bool goes_on = rest.empty() || rest.front() == '+' ||
                             (rest.front() == '-' && names.back().ends_with('+'));
        const bool separates = text[i] == '+' && !names.back().empty() && !goes_on;
        if (separates) {
            names.emplace_back();
        } else {
            names.back() += text[i];
        }
    }
    return names;
}

/// Checked by character: the names become words of a command line that root may run.
DebianReference parse_debian(const std::string& operand) {
    std::vector<std::string> names = split_at_plus(operand);
    DebianReference reference{.suite = names.front(), .packages = {}};
    names.erase(names.begin());
    reference.packages = std::move(names);
    if (!consists_of(reference.suite, k_suite_characters) || reference.suite.front() == '-') {
        throw UsageError("'debian:{}' does not name a suite, such as 'debian:bookworm'", operand);
    }
    for (const std::string& package : reference.packages) {
        if (!consists_of(package, k_package_characters) || package.front() == '-') {
            throw UsageError("'debian:{}': '{}' is not the name of a package", operand, package);
        }
    }
    return reference;
}

/// The machine's own apt sources for the suite, as one-line sources; empty when it has none
/// (another distribution).
std::string apt_sources_for(const std::string& suite) {
    if (!find_program("apt-get")) {
        return {};
    }
    const std::string targets = capture_output(
        {.argv = {"apt-get", "indextargets", "--format",
                  "$(REPO_URI)|$(SUITE)|$(CODENAME)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)",
                  "Created-By: Packages"},
         .package_hint = ""});
    std::set<std::string> lines;
    for (const std::string& line : split(targets, '\n')) {
        const std::vector<std::string> fields = split(line, '|');
        if (fields.size() != 6) {
            continue;
        }
        const std::string& release = fields[3];
        if (release == suite || release == suite + "-updates" || release == suite + "-security") {
            // apt leaves the placeholder of what a source does not say.
            const bool unsigned_by = fields[5].empty() || fields[5].starts_with("$(");
            const std::string options =
                unsigned_by ? "" : fmt::format("[signed-by=\"{}\"] ", fields[5]);
            lines.insert(fmt::format("deb {}{} {} {}\n", options, fields[0], release, fields[4]));
        }
    }
    std::string text;
    for (const std::string& line : lines) {
        text += line;
    }
    return text;
}

/// What mmdebstrap starts and mounts is to be gone with it, however we end, and what it has written
/// in the store's work directory, which is swept: so it is root in namespaces of its own. The modes
/// in which it makes them itself leave all of that to their own tidying.
ImportedTree fill_by(const std::vector<std::string>& mmdebstrap, const ImportContext& context) {
    const fs::path temporary = context.work.path() / "mmdebstrap";
    make_directories(temporary);
    return fill(
        context,
        [&](int directory, const archive::Options& options) {
            // When it fails it ends all of its process group, which would be the caller's.
            ::setsid();
            sandbox::show_own_processes();
            ::setenv("TMPDIR", temporary.c_str(), 1);
            archive::Imported unpacked;
            stream_output(
                {.argv = mmdebstrap, .package_hint = "install the package 'mmdebstrap'"},
                [&](int tar) { unpacked = archive::unpack_tar(tar, directory, options); });
            return unpacked;
        },
        Processes::own);
}

ImportedTree import_debian(const std::string& operand, const ImportContext& context) {
    const DebianReference reference = parse_debian(operand);
    if (context.ids.mode == IdMode::single) {
        throw with_hint(
            Error("mmdebstrap needs a range of ids for this user"),
            "give the user ranges in /etc/subuid and /etc/subgid (usermod --add-subuids … "
            "--add-subgids …) and install 'uidmap', or import a tree with rootfs:");
    }
    std::string include;
    for (const std::string& package : reference.packages) {
        include += (include.empty() ? "--include=" : ",") + package;
    }
    // What fails is thrown away, so dpkg need not wait for the disk after each package: that is half
    // of the time. The image itself does not keep the setting.
    // Not quiet: then apt would not say why it failed.
    std::vector<std::string> argv = {"mmdebstrap",
                                     "--variant=minbase",
                                     "--mode=root",
                                     "--format=tar",
                                     "--dpkgopt=force-unsafe-io",
                                     "--customize-hook=rm \"$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap\""};
    if (!include.empty()) {
        argv.push_back(include);
    }
    argv.insert(argv.end(), {reference.suite, "-"});
    const std::string sources = apt_sources_for(reference.suite);
    const fs::path sources_file = context.work.path() / "sources.list";
    if (!sources.empty()) {
        write_file_atomically(sources_file, sources);
        argv.push_back(sources_file.native());
    }
    return fill_by(argv, context);
}

}  // namespace

const std::vector<BaseKind>& base_kinds() {
    static const std::vector<BaseKind> k_kinds = {
        {"debian:", "debian:bookworm+gcc+make", import_debian},
        {"docker://", "docker://HOST/NAME:TAG", import_from_registry},
        {"oci:", "oci:/path/to/layout[:TAG]", import_oci_layout},
        {"oci-archive:", "oci-archive:/path/to/image.tar[:TAG]", import_oci_archive},
        {"docker-archive:", "docker-archive:/path/to/image.tar[:NAME:TAG]", import_docker_archive},
        {"rootfs:", "rootfs:/path/to/tree or rootfs:/path/to/root.tar.zst", import_rootfs},
    };
    return k_kinds;
}

const BaseKind* find_base_kind(std::string_view reference) {
    const auto& kinds = base_kinds();
    const auto found = std::ranges::find_if(
        kinds, [&](const BaseKind& kind) { return reference.starts_with(kind.prefix); });
    return found == kinds.end() ? nullptr : &*found;
}

}  // namespace mstage::engine
