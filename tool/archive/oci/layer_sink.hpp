#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "archive/entry_sink.hpp"
#include "archive/oci/lower_tree.hpp"
#include "archive/tree_sink.hpp"

namespace mstage::archive {

/// Turns the tar of a container image's layer into an overlayfs upper directory, so that, mounted
/// on the layers below, it looks as if the tar had been unpacked over them:
///  * `.wh.NAME` becomes a whiteout NAME, and `.wh..wh..opq` makes its directory opaque. Both are
///    about lower layers only, wherever in the tar they stand: NAME in the same layer stays, and
///    when it is a directory it becomes opaque. A whiteout with nothing below it to hide is left
///    out: overlayfs would list it. Other names that begin with `.wh..wh.` are left out.
///  * A directory that the tar does not name, but entries in it, has the attributes that it has
///    below, and 0755 where there is none.
///  * Symbolic links below are followed where they stand for a directory of an entry's name.
///  * A hard link to a file below gets a copy of that file, under both names. Further names that
///    the file has below stay with the file below, as with any change in an overlay.
/// Entries that depended on something below which the layer itself removes later on are an Error.
class LayerSink : public EntrySink {
public:
    LayerSink(int dir_fd, LowerTree& lower, const Options& options, Imported& result);

    bool takes_name(const MemberPath& path) override;
    void directory(const MemberPath& path, Attributes attributes) override;
    Fd create_file(const MemberPath& path) override;
    void finish_file(Fd file, const MemberPath& path, const Attributes& attributes) override;
    void symlink(const MemberPath& path, const std::string& target,
                 const Attributes& attributes) override;
    void hard_link(const MemberPath& path, const MemberPath& target) override;
    void fifo(const MemberPath& path, const Attributes& attributes) override;
    void finish() override;

private:
    enum class Missing { made, refused };

    MemberPath place_of(const MemberPath& path);
    MemberPath new_entry(const MemberPath& path);
    std::optional<std::string> resolve(std::string_view directory, Missing missing);
    const std::string& enter(std::string_view directory);
    std::optional<struct statx> find_here(const std::string& path) const;
    std::optional<struct statx> find_below(const std::string& path);
    std::string link_target(const std::string& path, bool is_here);
    void make_implicit_directory(const std::string& path);
    bool is_hidden(std::string_view path) const;
    void copy_up(const MemberPath& path, const struct statx& info);

    void expand_opaque_root();
    void check_dependencies() const;
    void apply_whiteout(const std::string& path);
    void apply_opaque(const std::string& path);
    bool is_own_place(const std::string& directory);
    void settle_implicit_directories();

    Fd m_root;
    LowerTree& m_lower;
    Imported& m_result;
    TreeSink m_tree;
    // Paths without links.
    std::set<std::string, std::less<>> m_whiteouts;
    std::set<std::string, std::less<>> m_opaque;
    std::set<std::string, std::less<>> m_implicit;
    std::set<std::string, std::less<>> m_needed_below;
    // Entries of a directory mostly come in a row.
    std::optional<std::string> m_entered;
    std::string m_entered_place;
};

}  // namespace mstage::archive
