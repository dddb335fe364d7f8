#pragma once

#include <string>

#include "agent/operation_queue.hpp"
#include "agent/settings.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace mstage::agent {

/// resources/list: the guide, and the lineage of images that have a tag.
Json list_resources(const Settings& settings);
/// resources/templates/list.
Json list_resource_templates();

/// resources/read: the guide, files, directories and the lineage of images, operations. Throws
/// NoResource when the URI names none.
class NoResource : public Error {
public:
    using Error::Error;
};
Json read_resource(const Settings& settings, const OperationQueue& operations,
                   const std::string& uri);

/// Characters of a URI's part, from "%41" and so on.
std::string decode_percent(std::string_view text);
std::string encode_percent(std::string_view text);

}  // namespace mstage::agent
