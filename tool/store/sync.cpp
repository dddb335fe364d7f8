// Bringing published layers to disk.
//
// A rename alone is not enough: after a power cut the manifest can be there and the layer's files
// empty. One syncfs() of the store's file system before the manifest is trusted across a boot is.
// It can take as long as the disk needs for everything that a stage wrote, so it is not on the path
// of a commit: a manifest says on which boot it was written, and until it also says "synced" it is
// only trusted on that boot.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "store/boot.hpp"
#include "store/store.hpp"

namespace mstage::store {

void Store::mark_synced(const Image& image) const {
    Image synced = image;
    synced.synced = true;
    const std::filesystem::path path = manifest_path(image.id);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return;  // removed meanwhile
    }
    const std::string temporary = path.native() + ".syncing";
    write_file_atomically(temporary, dump_json_indented(to_json(synced)));
    // Checkpoint markers are newer than the manifests that Ninja watches for them; that must stay
    // so.
    const timespec times[2] = {info.st_atim, info.st_mtim};
    ::utimensat(AT_FDCWD, temporary.c_str(), times, 0);
    // A plain rename would bring back the manifest of an image that is removed at this moment. Where
    // the file system cannot exchange files the image stays trusted on this boot only.
    ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE);
    ::unlink(temporary.c_str());
}

bool Store::sync_now() const {
    // One at a time: who waited finds the work done and has nothing to sync but its own.
    const FileLock turn = FileLock::acquire(m_root / "sync", LockMode::exclusive);
    std::vector<std::filesystem::path> unsynced;
    for (const auto& entry : std::filesystem::directory_iterator(m_root / "unsynced")) {
        unsynced.push_back(entry.path());
    }
    if (unsynced.empty()) {
        return true;
    }
    const Fd root = open_fd(m_root, O_RDONLY | O_DIRECTORY);
    const bool on_disk = ::syncfs(root.get()) == 0;
    for (const std::filesystem::path& path : unsynced) {
        const auto id = ImageId::parse(path.filename().native());
        // After an error the next try could succeed without the data being there: these images are
        // never synced, and trusted on this boot only.
        const auto image = id && on_disk ? find_image(*id) : std::nullopt;
        if (image) {
            mark_synced(*image);
        }
        ::unlink(path.c_str());
    }
    return on_disk;
}

void Store::sync_in_background() const {
    const pid_t pid = ::fork();
    if (pid < 0) {
        return;  // not synced is only a cache miss after a crash
    }
    if (pid > 0) {
        wait_for(pid);
        return;
    }
    // Forked twice so that nobody has to wait for it, and without the caller's output, whose end
    // others wait for.
    if (::fork() != 0) {
        ::_exit(0);
    }
    ::setsid();
    ::close_range(0, ~0U, 0);
    reset_signals_for_child();
    try {
        sync_now();
    } catch (const std::exception&) {
        ::_exit(1);
    }
    ::_exit(0);
}

}  // namespace mstage::store
