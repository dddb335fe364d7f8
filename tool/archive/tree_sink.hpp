#pragma once

#include <sys/types.h>

#include <map>
#include <string>

#include "archive/attributes.hpp"
#include "archive/confined_open.hpp"
#include "archive/entry_sink.hpp"
#include "archive/import.hpp"
#include "archive/member_path.hpp"
#include "base/fd.hpp"

namespace mstage::archive {

/// Builds a tree in a directory, entry by entry, in any order. Whoever reads an archive need not
/// think of safety: it is here. Entries are made by their last name in a descriptor of their
/// parent, and parents are opened confined to the root (see open_confined()). What has an entry's
/// name already is removed first, except that a directory stays when another directory comes.
///
/// Directories get their attributes in finish(), since making entries in them changes their times
/// and may need rights that their modes don't give. Parents that no entry named have mode 0755.
class TreeSink : public EntrySink {
public:
    TreeSink(int dir_fd, const Options& options, Imported& result);
    TreeSink(const TreeSink&) = delete;
    TreeSink& operator=(const TreeSink&) = delete;
    ~TreeSink() override;

    bool takes_name(const MemberPath& /*path*/) override { return false; }
    void directory(const MemberPath& path, Attributes attributes) override;
    Fd create_file(const MemberPath& path) override;
    void finish_file(Fd file, const MemberPath& path, const Attributes& attributes) override;
    void symlink(const MemberPath& path, const std::string& target,
                 const Attributes& attributes) override;
    void hard_link(const MemberPath& path, const MemberPath& target) override;
    void fifo(const MemberPath& path, const Attributes& attributes) override;

    /// overlayfs' mark that what lower layers have under this name is gone.
    void whiteout(const MemberPath& path);
    /// The directory, which is there, hides what lower layers have in a directory of its name.
    void mark_opaque(const MemberPath& path) { m_directories[path.str()].opaque = true; }

    /// Of a directory that is there.
    void set_attributes(const MemberPath& path, Attributes attributes);

    /// Gives the directories their attributes.
    void finish() override;

private:
    template <typename Make>
    int make_entry(const MemberPath& path, const char* what, Make make);
    int parent_of(const MemberPath& path);
    Fd open_or_make_directories(std::string_view path);
    Fd open_or_make_directory(int parent, const std::string& name, std::string_view path);
    void make_way(int parent, const MemberPath& path);
    void settle_directories_below(const std::string& path);
    void settle_directory(const std::string& path, const Attributes& attributes);
    void set_link_attributes(int parent, const MemberPath& path, const Attributes& attributes);

    /// A tree that is there already may be put together from several mounts, as that of an image on
    /// base `host` is.
    Mounts mounts() const { return m_options.into_existing ? Mounts::crossed : Mounts::refused; }

    Fd m_root;
    Options m_options;
    Imported& m_result;
    mode_t m_umask;
    // Archives and walks bring a directory's entries in a row, so the parent is mostly the one of
    // the entry before.
    std::string m_parent_path;
    Fd m_parent;
    // By path, so that what is below a directory follows it and a later entry replaces an earlier
    // one.
    std::map<std::string, Attributes, std::less<>> m_directories;
};

}  // namespace mstage::archive
