#pragma once

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace mstage::engine {

/// For the way out of a child process, as CBOR: names may be any bytes, which JSON text cannot hold.
Json to_json(const FileInfo& file);
FileInfo file_info_from(const Json& json);

std::string pack(const Json& json);
Json unpack(const std::string& bytes);

}  // namespace mstage::engine
