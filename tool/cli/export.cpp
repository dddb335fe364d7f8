#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "base/error.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

using engine::Compression;

template <typename Number>
Number parse_number(const std::string& text, std::string_view what) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
        throw UsageError("{} '{}' is no number", what, text);
    }
    return number;
}

Compression parse_compression(const std::string& text) {
    if (text == "gzip") {
        return Compression::gzip;
    }
    if (text == "zstd") {
        return Compression::zstd;
    }
    if (text == "none") {
        return Compression::none;
    }
    throw with_hint(UsageError("compression '{}' is unknown", text), "known are: gzip, zstd, none");
}

bool is_to_output(const std::string& destination) {
    for (const std::string archive : {"oci-archive:-", "docker-archive:-"}) {
        if (destination == archive || destination.starts_with(archive + ":")) {
            return true;
        }
    }
    return false;
}

/// What reproducible-builds.org says of it.
std::optional<std::time_t> source_date_epoch() {
    const char* text = std::getenv("SOURCE_DATE_EPOCH");
    if (text == nullptr || *text == '\0') {
        return std::nullopt;
    }
    return parse_number<std::time_t>(text, "SOURCE_DATE_EPOCH");
}

Json to_json(const engine::ExportResult& result) {
    Json layers = Json::array();
    for (const engine::ExportedLayer& layer : result.layers) {
        layers.push_back(
            {{"digest", layer.digest}, {"diff_id", layer.diff_id}, {"size", layer.size}});
    }
    return {{"digest", result.digest},
            {"size", result.size},
            {"layers", std::move(layers)},
            {"warnings", result.warnings}};
}

}  // namespace

int run_export(const Arguments& arguments) {
    VerbParser parser("export");
    std::string image;
    engine::ExportRequest request;
    std::string compression;
    std::string level;
    bool json = false;
    parser.argument("IMAGE", image, "The image", VerbParser::Needed::yes);
    parser.argument("DEST", request.destination,
                    "oci-archive:FILE, oci:DIR, docker-archive:FILE or docker://HOST/NAME",
                    VerbParser::Needed::yes);
    parser.option("--compression", "COMPRESSION", compression, "gzip (the default), zstd or none");
    parser.option("--level", "N", level, "1 to 9 of gzip (default 4), 1 to 19 of zstd (default 3)");
    parser.flag("--json", json, "Print JSON");
    parser.footer(
        "Each DEST may end with :TAG (docker-archive: with :NAME:TAG). The FILE '-' is standard\n"
        "output.\n"
        "Prints the digest of the manifest; of a docker-archive, which has none, that of the\n"
        "configuration, by which docker knows the image. The same image gives the same digest, as\n"
        "long as the compressing program is the same (pigz where there is one, else gzip). With\n"
        "SOURCE_DATE_EPOCH in the environment, no time in the image is later.\n"
        "docker-archive: and docker:// need skopeo, whose logins count.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (!compression.empty()) {
        request.compression = parse_compression(compression);
    }
    if (!level.empty()) {
        request.level = parse_number<int>(level, "level");
    }
    request.epoch = source_date_epoch();
    const bool is_streamed = is_to_output(request.destination);
    if (is_streamed && json) {
        throw UsageError("--json and the archive cannot both go to standard output");
    }
    if (is_streamed && ::isatty(STDOUT_FILENO) == 0) {
        request.stream = write_output;
    }
    const Workplace place(parser.common);
    const engine::ExportResult result = place.engine->export_image(place.image(image), request);
    for (const std::string& warning : result.warnings) {
        print_error_line("mstage: warning: " + warning);
    }
    if (!is_streamed) {
        print_line(json ? dump_json(to_json(result)) : result.digest);
    }
    return k_good;
}

}  // namespace mstage::cli
