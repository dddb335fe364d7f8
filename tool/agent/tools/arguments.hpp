#pragma once

#include <optional>
#include <string>

#include "agent/settings.hpp"
#include "base/json.hpp"

/// What tools have in common.
namespace mstage::agent {

/// The build tree that the argument "build_dir" names, which is below one of the roots, or the
/// server's.
Place open_place(const Settings& settings, const Json& arguments);
/// The same; throws when there is no build tree.
Place open_build_tree(const Settings& settings, const Json& arguments);

/// The image that the argument `name` means. Throws when there is none, and when it would show this
/// machine's own system and the server was not started to do that.
engine::Image get_image_argument(const Settings& settings, const Place& place,
                                 const Json& arguments, const char* name);

/// The name of a tag, which an agent may also write as the image that it names: "tag:NAME".
std::string tag_name(const std::string& text);

/// The time that a text means, an absolute one or one of so long ago: "2h". Throws when it is none.
TimePoint parse_point_in_time(const std::string& text);

}  // namespace mstage::agent
