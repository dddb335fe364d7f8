#include "engine/local/file_info.hpp"

namespace mstage::engine {

Json to_json(const FileInfo& file) {
    return {{"path", file.path},
            {"type", std::string(1, file.type)},
            {"mode", file.mode},
            {"uid", file.uid},
            {"gid", file.gid},
            {"size", file.size},
            {"mtime_ns", file.mtime.time_since_epoch().count()},
            {"target", file.target}};
}

FileInfo file_info_from(const Json& json) {
    return {.path = json.at("path"),
            .type = json.at("type").get<std::string>().at(0),
            .mode = json.at("mode"),
            .uid = json.at("uid"),
            .gid = json.at("gid"),
            .size = json.at("size"),
            .mtime = TimePoint(TimePoint::duration(json.at("mtime_ns").get<std::int64_t>())),
            .target = json.at("target")};
}

std::string pack(const Json& json) {
    const std::vector<std::uint8_t> bytes = Json::to_cbor(json);
    return std::string(bytes.begin(), bytes.end());
}

Json unpack(const std::string& bytes) {
    return Json::from_cbor(bytes);
}

}  // namespace mstage::engine
