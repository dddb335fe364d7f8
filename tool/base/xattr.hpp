#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mstage {

/// An extended attribute of a file.
struct Xattr {
    std::string name;
    std::string value;
    bool operator==(const Xattr&) const = default;
};

/// Those of an open file whose names are wanted (an empty function: all), in the order of the file
/// system; none where it keeps none. The descriptor may be one of O_PATH.
std::vector<Xattr> read_xattrs(int fd,
                               const std::function<bool(std::string_view name)>& is_wanted = {});

}  // namespace mstage
