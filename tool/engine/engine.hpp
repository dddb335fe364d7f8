#pragma once

#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/leak.hpp"
#include "engine/phases.hpp"
#include "engine/types.hpp"

namespace mstage::engine {

// --- Source files

/// One stage's share of the source. Without `patterns` it is all of it.
struct StageInputs {
    std::string stage;
    std::optional<std::vector<std::string>> patterns;
    std::filesystem::path inputs_file;   ///< the digest file that scan() writes
    std::vector<std::string> exclude{};  ///< gitignore syntax, of what the patterns take
};

struct SourceRequest {
    std::filesystem::path root;
    std::vector<std::string> exclude;         ///< gitignore syntax
    std::vector<std::filesystem::path> skip;  ///< never taken: build trees, files with secrets
    std::filesystem::path cache_file;
    std::string workdir;  ///< where the files go in an image
    std::vector<StageInputs> stages;
    size_t max_watched = 0;  ///< so many files and directories are worth naming in the report
};

struct SourceReport {
    /// Every file and directory that was looked at, absolute; nothing when they are more than
    /// `max_watched`.
    std::optional<std::vector<std::string>> watched{};
    std::vector<std::string> warnings;
    std::vector<std::string> changed;  ///< stages whose digest file was written
};

/// A stage's inputs as a look at the source finds them.
struct InputsLook {
    std::string stage;
    std::string digest;
    std::filesystem::path inputs_file;  ///< that lists them
};

// --- Runs

/// Files of another image that a run finds in its own.
struct ImageCopy {
    ImageId image;
    std::string path;  ///< absolute, with *, ? and [] in components
    /// Where it goes: empty for the same path; with a '/' at the end, into that directory; else it
    /// is the new name of the one thing that matches.
    std::string destination;
    std::string name{};  ///< "docs-built:/docs", for people
};

/// A file of this machine that a run finds in its image, owner and mode as they are.
struct FileCopy {
    std::filesystem::path source;  ///< absolute, a regular file
    std::string destination;       ///< absolute; directories on the way are made
};

struct RunRequest {
    ImageId image;
    /// Nothing: a new one. For callers who have to name the run before it begins.
    std::optional<RunId> id{};
    /// Source files to lay over the image: their digest, as it entered the key; the digest file that
    /// lists them, and where they come from should the store lack them.
    std::optional<std::string> inputs_digest{};
    std::filesystem::path inputs_file{};
    std::filesystem::path source_root{};
    std::string source_workdir = "/app";
    /// Digests of source files that the image may have, and that these take the place of.
    std::vector<std::string> replaced_inputs{};
    /// Laid over the image and the source files, owners and all.
    std::vector<ImageCopy> copies{};
    /// And over all that. They come into no key.
    std::vector<FileCopy> files{};

    std::vector<std::string> argv{};
    std::string command_line{};  ///< the same as one line, for people and records
    std::map<std::string, std::string> environment{};   ///< over the image's
    std::map<std::string, std::string> pass_through{};  ///< proxies: in no key and no record
    /// Variables that name a file of this machine with certificate authorities. With the network on
    /// the command finds a file that can be read at another place, which its variable then names.
    /// In no key and no record either.
    std::map<std::string, std::filesystem::path> authorities{};
    std::string workdir{};        ///< empty: the image's
    std::string user{};           ///< empty: the image's
    std::vector<Cache> caches{};  ///< see parse_caches()
    /// Files that only the command's user can read. Of their values nothing is in a record, in the
    /// output or in what is kept of the run: see RunResult::leaks.
    std::vector<Secret> secrets{};
    Network network = Network::on;
    std::chrono::nanoseconds timeout{0};
    bool disposable = true;
    /// What a failed command leaves is a good image too: of a shell, say, whose exit code means
    /// nothing.
    bool keep_in_any_case = false;
    /// The environment becomes that of the result, for what runs on it.
    bool keep_environment = false;

    Streams streams = Streams::merged;
    int stdin_fd = -1;
    OutputSink live{};  ///< gets the output as it comes; may be empty
    /// Called once the run has its id and its log, before the command starts; may be empty.
    std::function<void(const RunId&, const std::filesystem::path& log)> on_start{};
    /// Gets a line when the run has to wait; may be empty. That time is not the command's.
    std::function<void(const std::string&)> note{};

    std::string origin = "run";  ///< "stage app/build": for the result's manifest
    std::optional<std::string> key{};
    Json key_parts{};
    /// What the caller has spent on this already: comes first in the record and the result.
    std::vector<Phase> phases{};
};

struct RunResult {
    RunId run;
    Outcome outcome;
    std::filesystem::path log;
    /// Of a good run that was not disposable. The input image itself when nothing was added to it.
    std::optional<ImageId> result_image{};
    bool filesystem_changed = false;
    /// Of a failed run that was not disposable: what it left, kept for a look. With a secret in it,
    /// nothing of it is kept.
    std::optional<ImageId> failed_state{};
    std::vector<Phase> phases{};
    /// The first of the places where the command left secrets: in what would have been kept, or in
    /// the files of caches that it has written. Whatever its exit code, such a run has failed.
    std::vector<Leak> leaks{};
    /// Something about this engine that may be the cause of a failure; mostly empty.
    std::string note{};

    bool ok() const { return outcome.ok() && leaks.empty(); }
};

/// What is known of a run that has ended: how it was made, for another one like it, and its end.
struct RunRecord {
    std::string origin;
    std::string command;
    std::map<std::string, std::string> environment{};  ///< over the image's
    std::string workdir{};                             ///< empty: the image's
    std::string user{};                                ///< empty: the image's
    std::vector<Cache> caches{};
    Network network = Network::on;
    std::chrono::nanoseconds timeout{0};
    TimePoint started{};
    Outcome outcome{};
    bool filesystem_changed = false;
    Json key_parts{};  ///< what the key was made from; null when there was none
    std::filesystem::path log{};
};

struct CacheReport {
    std::string id;
    std::uint64_t size = 0;  ///< bytes on disk of all copies
    size_t copies = 0;
    TimePoint last_used;
};

/// So many digits of a UUID are needed to name an image.
constexpr size_t k_shortest_prefix = 4;

// --- Base images

enum class Refresh { yes, no };
/// What a pattern that matches nothing in an image is, and what is neither file, directory nor link.
enum class NoMatch { error, ignored };
/// Is told where something is about to go, by way of no link; what it throws ends the copy.
using CopyGuard = std::function<void(const std::filesystem::path&)>;

struct Base {
    ImageId image;
    bool imported = false;  ///< just now
    std::vector<std::filesystem::path>
        watched;  ///< files whose change makes the reference mean another image
    std::vector<std::string> warnings;
};

// --- Reading images

struct FileInfo {
    std::string path;  ///< as in the image, absolute
    char type = '?';   ///< f d l p s c b, as find -printf %y
    mode_t mode = 0;   ///< permission bits
    uid_t uid = 0;
    gid_t gid = 0;
    std::uint64_t size = 0;
    TimePoint mtime;
    std::string target;  ///< of a symbolic link
};

// --- Comparing images

/// What of a file differs. Times alone make no difference unless somebody asks.
enum class Aspect { type, content, mode, owner, target, attributes, times };
const char* to_string(Aspect aspect);

struct FileChange {
    std::optional<FileInfo> before{};  ///< nothing when it was added
    std::optional<FileInfo> after{};   ///< nothing when it was removed
    std::vector<Aspect> aspects{};     ///< of one that is in both
    /// How the text differs: hunks of a unified diff. Empty when nobody asked, and when `no_text`
    /// says why there is none.
    std::string text{};
    std::string no_text{};

    const std::string& path() const { return (after ? after : before)->path; }
};

struct TextLimits {
    std::uint64_t bytes = 1 << 20;  ///< of a file
    size_t files = 200;
};

struct DiffRequest {
    std::string path = "/";  ///< with all that is in it; links to it are followed
    bool times = false;      ///< another mtime is a difference too
    std::optional<TextLimits> text{};
};

// --- Container images

enum class Compression { gzip, zstd, none };

/// Takes bytes as they come; an empty one: there is nobody to take them.
using OutputStream = std::function<void(std::string_view)>;

struct ExportRequest {
    /// oci-archive:FILE[:TAG], oci:DIR[:TAG], docker-archive:FILE[:NAME:TAG] or docker://REFERENCE.
    std::string destination;
    /// For archives whose FILE is "-".
    OutputStream stream{};
    /// None: gzip, which every program reads; what is plain in the end anyway is not compressed.
    std::optional<Compression> compression{};
    std::optional<int> level{};
    /// The time of everything that is made now, and the latest of any file: SOURCE_DATE_EPOCH.
    std::optional<time_t> epoch{};
};

struct ExportedLayer {
    std::string digest;
    std::string diff_id;
    std::uint64_t size = 0;
};

struct ExportResult {
    std::string digest;  ///< "sha256:…" of the manifest (docker-archive: of the configuration)
    std::uint64_t size = 0;  ///< of manifest, config and layers
    std::vector<ExportedLayer> layers{};
    std::vector<std::string> warnings{};
};

/// Held while a stage of one key is being made, so that others who want the same wait and then find
/// it.
class KeyLock {
public:
    virtual ~KeyLock() = default;
};

/// Who executes runs and holds images. Nothing here reads arguments or the environment, or prints.
class Engine {
public:
    virtual ~Engine() = default;
    /// Also says in what ways the same command may have another result here than elsewhere.
    virtual std::string name() const = 0;

    /// Looks at the source once and writes the digest file of each stage whose inputs are not those
    /// of last time. What a digest file names is then held by the engine: later changes of the
    /// source do not reach a stage that starts later.
    virtual SourceReport scan(const SourceRequest& request) = 0;
    /// The source files behind a digest of inputs, sorted by path; nothing when they are not known
    /// (any more).
    virtual std::optional<std::vector<InputFile>> input_list(const std::string& digest) = 0;

    /// What scan() would find now. Changes nothing of what the request names, nor of what the engine
    /// holds: digest files that would be others are written to the directory `scratch`.
    virtual std::vector<InputsLook> look(const SourceRequest& request,
                                         const std::filesystem::path& scratch) = 0;

    /// The image that `reference` stands for, imported when it is missing (or when asked to
    /// refresh).
    virtual Base base(const std::string& reference, Refresh refresh) = 0;
    /// The same without an import; nothing when it would take one. Also nothing for what base()
    /// would refuse.
    virtual std::optional<ImageId> find_base(const std::string& reference) = 0;

    virtual RunResult run(const RunRequest& request) = 0;
    /// Where the record of a run (run.json), its log (output.log) and, after a failure, the report
    /// (report.json) are, if they are.
    virtual std::filesystem::path run_directory(const RunId& run) = 0;
    /// Nothing when there is no (whole) record.
    virtual std::optional<RunRecord> find_run(const RunId& id) = 0;

    /// Waits until nobody else makes a stage of this key; `on_wait` is called when it comes to
    /// that.
    virtual std::unique_ptr<KeyLock> lock_key(const std::string& key,
                                              const std::function<void()>& on_wait) = 0;
    virtual std::optional<ImageId> find_key(const std::string& key) = 0;
    virtual void set_key(const std::string& key, const ImageId& image) = 0;

    /// A UUID, a unique prefix of one (k_shortest_prefix), or `tag:NAME`; nothing when it is none of
    /// these.
    virtual std::optional<ImageId> find_image(const std::string& text) = 0;
    virtual Image image(const ImageId& id) = 0;
    /// As above; nothing when the image is not there (any more).
    virtual std::optional<Image> find(const ImageId& id) = 0;
    virtual std::vector<Image> images() = 0;
    /// Takes a failed state, and what only it has, away; other images stay. One that is not there
    /// counts as removed.
    virtual Removal remove_failed_state(const ImageId& id) = 0;
    /// Bytes on disk of all its layers.
    virtual std::uint64_t size_of(const Image& image) = 0;
    /// A file that is there as long as the image is.
    virtual std::filesystem::path witness(const ImageId& id) = 0;

    virtual std::vector<std::pair<std::string, ImageId>> tags() = 0;
    virtual void set_tag(const std::string& name, const ImageId& image) = 0;
    virtual bool remove_tag(const std::string& name) = 0;

    /// The caches of runs, sorted by id.
    virtual std::vector<CacheReport> caches() = 0;
    /// False when there is none of that id; an Error when it is in use.
    virtual bool remove_cache(const std::string& id) = 0;

    /// The file or the directory's content; `recursive` goes all the way down. Links in directories
    /// are followed inside the image.
    virtual std::vector<FileInfo> list(const Image& image, const std::string& path,
                                       bool recursive) = 0;
    virtual void write_file_to(const Image& image, const std::string& path, int fd) = 0;
    /// Copies what `patterns` (absolute paths with *, ? and [] in components) match into the
    /// directory `destination`, or to the name `destination` when that is no directory and just one
    /// thing matches. Owners become the caller's; modes, times and links stay. A file whose
    /// destination is a link to a file replaces that file; else links in the way are replaced, and
    /// devices, FIFOs and the like are Errors. So is a way to `destination` through a link that an
    /// earlier copy made and that leads out of where it was copied to. Returns the files written.
    virtual std::vector<std::filesystem::path> copy_out(const Image& image,
                                                        const std::vector<std::string>& patterns,
                                                        const std::filesystem::path& destination,
                                                        NoMatch no_match = NoMatch::error,
                                                        const CopyGuard& guard = {}) = 0;

    /// What has to be done to the files of `before` to make them those of `after`, in the order of a
    /// walk: a directory before what is in it. Costs as much as the layers that only one of them
    /// has; when they share none, all that they hold.
    virtual std::vector<FileChange> diff(const Image& before, const Image& after,
                                         const DiffRequest& request) = 0;

    /// Writes the image as a container image. The same image gives the same digests, with the same
    /// versions of the compressing programs. The destination has all of it or, after any failure
    /// and after a signal (Interrupted), is as it was. A layout may then hold blobs that nothing
    /// names. An image without a root filesystem of its own (base `host`) and a failed state are
    /// Errors.
    virtual ExportResult export_image(const Image& image, const ExportRequest& request) = 0;
};

/// The digest that a digest file holds, without reading all of it.
std::string inputs_digest(const std::filesystem::path& inputs_file);
/// The source files that a digest file lists; nothing when it is missing or not whole.
std::optional<std::vector<InputFile>> read_input_list(const std::filesystem::path& inputs_file);

}  // namespace mstage::engine
