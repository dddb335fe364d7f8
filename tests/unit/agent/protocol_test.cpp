#include "agent/mcp/line_reader.hpp"
#include "agent/mcp/message.hpp"
#include "agent/mcp/revision.hpp"
#include "support.hpp"

namespace mstage::agent {
namespace {

using test::error_of;

std::vector<std::string> lines_of(const std::string& text, size_t piece, size_t limit = 100) {
    LineReader reader(limit);
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size(); at += piece) {
        reader.add(std::string_view(text).substr(at, piece));
        while (const auto line = reader.next()) {
            lines.push_back(line->too_long ? "(too long)" : line->text);
        }
    }
    return lines;
}

TEST(LineReader, GivesLinesHoweverTheyCome) {
    const std::vector<std::string> expected = {"one", "", "three"};
    for (const size_t piece : {1, 2, 5, 100}) {
        EXPECT_EQ(lines_of("one\n\nthree\r\nunfinished", piece), expected) << piece;
    }
}

TEST(LineReader, SkipsWhatIsTooLong) {
    const std::string text = std::string(50, 'x') + "\nshort\n" + std::string(11, 'y') + "\nlast\n";
    const std::vector<std::string> expected = {"(too long)", "short", "(too long)", "last"};
    for (const size_t piece : {1, 7, 49, 1000}) {
        EXPECT_EQ(lines_of(text, piece, 10), expected) << piece;
    }
}

int code_of(const std::string& line) {
    return error_of<ProtocolError>([&] { parse_message(line); }).to_json()["code"];
}

TEST(ParseMessage, TakesRequestsNotificationsAndNoAnswers) {
    const auto request =
        parse_message(R"({"jsonrpc":"2.0","id":"a","method":"m","params":{"x":1}})");
    EXPECT_TRUE(request->is_request());
    EXPECT_EQ(request->id, "a");
    EXPECT_EQ(request->params, Json({{"x", 1}}));
    EXPECT_FALSE(parse_message(R"({"jsonrpc":"2.0","method":"m"})")->is_request());
    EXPECT_FALSE(parse_message(R"({"jsonrpc":"2.0","id":1,"result":{}})"));
}

TEST(ParseMessage, SaysWhatIsNoRequest) {
    EXPECT_EQ(code_of("{"), k_parse_error);
    EXPECT_EQ(code_of("\xFF"), k_parse_error);
    EXPECT_EQ(code_of(std::string(100000, '[')), k_parse_error);
    EXPECT_EQ(code_of("[]"), k_invalid_request);
    EXPECT_EQ(code_of("1"), k_invalid_request);
    EXPECT_EQ(code_of(R"({"id":1,"method":"m"})"), k_invalid_request);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":null,"method":"m"})"), k_invalid_request);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1.5,"method":"m"})"), k_invalid_request);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":7})"), k_invalid_request);
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","id":1,"method":"m","params":[]})"), k_invalid_params);
}

TEST(ParseMessage, NamesTheRequestIfItCan) {
    const auto error = error_of<ProtocolError>(
        [] { parse_message(R"({"jsonrpc":"2.0","id":7,"method":"m","params":1})"); });
    EXPECT_EQ(make_error(error.id, error)["id"], 7);
}

TEST(Negotiate, TakesTheNewestThatIsNotNewer) {
    EXPECT_EQ(negotiate("2025-11-25"), "2025-11-25");
    EXPECT_EQ(negotiate("2025-06-18"), "2025-06-18");
    EXPECT_EQ(negotiate("2025-03-26"), "2024-11-05");
    EXPECT_EQ(negotiate("2030-01-01"), "2025-11-25");
    EXPECT_EQ(negotiate("2020-01-01"), "2025-11-25");
}

Json with_meta(Json meta) {
    return {{"_meta", std::move(meta)}};
}

TEST(EraOf, FollowsFromTheMetadata) {
    EXPECT_EQ(era_of(Json::object()), Era::handshake);
    EXPECT_EQ(era_of(with_meta({{"progressToken", 1}})), Era::handshake);
    EXPECT_EQ(era_of(with_meta({{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                                {"io.modelcontextprotocol/clientCapabilities", Json::object()}})),
              Era::stateless);
}

TEST(EraOf, RefusesWhatIsNotWhole) {
    const auto error = error_of<ProtocolError>([] {
        era_of(with_meta({{"io.modelcontextprotocol/protocolVersion", "1900-01-01"}}));
    });
    EXPECT_EQ(error.to_json()["code"], k_unsupported_version);
    EXPECT_EQ(error.to_json()["data"]["requested"], "1900-01-01");
    EXPECT_EQ(error.to_json()["data"]["supported"], supported_revisions());
    EXPECT_THROW(era_of(with_meta({{"io.modelcontextprotocol/protocolVersion", "2026-07-28"}})),
                 ProtocolError);
    EXPECT_THROW(era_of(with_meta({{"io.modelcontextprotocol/protocolVersion", 1}})),
                 ProtocolError);
    EXPECT_THROW(era_of({{"_meta", 1}}), ProtocolError);
}

}  // namespace
}  // namespace mstage::agent
