#include "agent/mcp/server.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <list>

#include "agent/fit.hpp"
#include "agent/mcp/completion.hpp"
#include "agent/mcp/line_reader.hpp"
#include "agent/mcp/message.hpp"
#include "agent/mcp/prompt_methods.hpp"
#include "agent/mcp/resources.hpp"
#include "agent/mcp/revision.hpp"
#include "agent/operation_queue.hpp"
#include "agent/schema.hpp"
#include "agent/templates.hpp"
#include "agent/tools/operation_tools.hpp"
#include "agent/tools/tool_table.hpp"
#include "base/end_signals.hpp"

namespace mstage::agent {

namespace {

using Clock = OperationQueue::Clock;

constexpr size_t k_longest_message = 32 << 20;
constexpr auto k_heartbeat = std::chrono::seconds(5);  // of progress, when nothing is told
constexpr std::int64_t k_hour_ms = 3'600'000;

/// A request that waits for its answer.
struct Call {
    Json id;
    Era era;
    std::string method;
    std::optional<Json> progress_token{};
    /// Either it is done in a process …
    std::optional<Job> job{};
    /// … or these operations are to end first.
    std::vector<std::string> operations{};
    enum class For { one, all, any } waits_for = For::one;
    std::optional<Clock::time_point> deadline{};
    bool time_was_up = false;
    bool cancelling = false;  ///< those that have not ended
    bool owns = false;        ///< the operation ends when the call is cancelled
    OutputLimit limit{};
    Clock::time_point began = Clock::now();
    Clock::time_point told = Clock::now();
    double progress = 0;

    bool is_tool() const { return method == "tools/call"; }
};

Json tool_error(const Failure& failure) {
    const std::string text = failure.message + (failure.hint.empty() ? "" : "\n" + failure.hint);
    return {{"content", Json::array({{{"type", "text"}, {"text", text}}})}, {"isError", true}};
}

/// Models write null for what they leave out.
void drop_nulls(Json& arguments, const Json& schema) {
    for (auto member = arguments.begin(); member != arguments.end();) {
        const Json property = schema["properties"].value(member.key(), Json::object());
        const bool may_be_null = property.value("type", Json()).is_array();
        member = member->is_null() && !may_be_null ? arguments.erase(member) : std::next(member);
    }
}

class Server {
public:
    Server(const Settings& settings, int input, int output)
        : m_settings(settings), m_input(input), m_output(output), m_queue(settings) {}

    void run() {
        const EndSignals signals;
        while (!m_client_is_gone && wait(signals)) {
            step();
        }
        m_calls.clear();
        m_queue.end_all();
    }

private:
    /// Until there is something to do. False when it is time to end.
    bool wait(const EndSignals& signals) {
        std::vector<pollfd> fds = {{signals.fd(), POLLIN, 0}, {m_input, POLLIN, 0}};
        for (const int fd : m_queue.fds()) {
            fds.push_back({fd, POLLIN, 0});
        }
        for (const Call& call : m_calls) {
            if (call.job) {
                fds.push_back({call.job->fd(), POLLIN, 0});
            }
        }
        if (::poll(fds.data(), fds.size(), milliseconds_to_wait()) < 0 && errno != EINTR) {
            throw SysError(errno, "poll");
        }
        return fds[0].revents == 0 && (fds[1].revents == 0 || read_input());
    }

    int milliseconds_to_wait() const {
        std::optional<Clock::time_point> next = m_queue.next_deadline();
        const auto consider = [&](Clock::time_point time) {
            next = std::min(next.value_or(time), time);
        };
        for (const Call& call : m_calls) {
            if (call.deadline && !call.time_was_up) {
                consider(*call.deadline);
            }
            if (call.progress_token) {
                consider(call.told + k_heartbeat);
            }
        }
        if (!next) {
            return -1;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
    }

    bool read_input() {
        std::string piece(k_piece_size, '\0');
        const size_t count = read_some(m_input, piece);
        m_lines.add(std::string_view(piece).substr(0, count));
        while (const auto line = m_lines.next()) {
            handle_line(*line);
        }
        return count > 0;
    }

    void step() {
        m_queue.step();
        for (const OperationQueue::Event& event : m_queue.take_events()) {
            if (event.line) {
                tell_progress(event.id, *event.line);
            }
        }
        // Waiting calls may cancel operations, whose places are free then.
        for (auto call = m_calls.begin(); call != m_calls.end();) {
            call = is_answered(*call) ? m_calls.erase(call) : std::next(call);
        }
        m_queue.step();
    }

    // --- Messages

    void send(const Json& message) {
        try {
            write_all(m_output, dump_json(message) + "\n");
        } catch (const SysError& error) {
            if (error.number() != EPIPE) {
                throw;
            }
            m_client_is_gone = true;
        }
    }

    void respond(const Call& call, Json result) {
        if (call.era == Era::stateless) {
            result =
                complete_result(std::move(result), m_settings.version, lifetime_of(call.method));
        }
        send(make_response(call.id, std::move(result)));
    }

    static std::optional<std::int64_t> lifetime_of(const std::string& method) {
        if (method == "resources/list" || method == "resources/read") {
            return 0;
        }
        const bool is_fixed = method == "tools/list" || method == "prompts/list" ||
                              method == "resources/templates/list" || method == "server/discover";
        return is_fixed ? std::optional(k_hour_ms) : std::nullopt;
    }

    void handle_line(const LineReader::Line& line) {
        try {
            if (line.too_long) {
                throw ProtocolError(
                    k_invalid_request,
                    fmt::format("the message is longer than {} bytes", k_longest_message));
            }
            if (line.text.find_first_not_of(" \t") == std::string::npos) {
                return;
            }
            if (const auto message = parse_message(line.text)) {
                handle(*message);
            }
        } catch (const ProtocolError& error) {
            send(make_error(error.id, error));
        }
    }

    void handle(const Message& message) try {
        if (!message.is_request()) {
            if (message.method == "notifications/cancelled") {
                cancel_call(message.params.value("requestId", Json()));
            }
            return;
        }
        const auto same_id = [&](const Call& call) { return call.id == message.id; };
        if (std::ranges::any_of(m_calls, same_id)) {
            throw ProtocolError(k_invalid_request, "a request with this id waits for its answer");
        }
        Call call{.id = message.id, .era = era_of(message.params), .method = message.method};
        if (message.params.contains("_meta") && message.params["_meta"].contains("progressToken")) {
            call.progress_token = message.params["_meta"]["progressToken"];
        }
        dispatch(std::move(call), message.params);
    } catch (ProtocolError& error) {
        error.id = message.id;
        throw;
    }

    void dispatch(Call call, const Json& params) {
        if (call.era == Era::stateless ? answer_stateless(call) : answer_handshake(call, params)) {
            return;
        }
        const std::string& method = call.method;
        if (method.ends_with("/list") && params.contains("cursor")) {
            throw ProtocolError(k_invalid_params, "'cursor' is none of ours");
        }
        if (method == "tools/list") {
            Json tools = Json::array();
            for (const ToolDescription& tool : tool_descriptions()) {
                tools.push_back(tool.listed);
            }
            respond(call, {{"tools", std::move(tools)}});
        } else if (method == "prompts/list") {
            respond(call, list_prompts());
        } else if (method == "resources/templates/list") {
            respond(call, list_resource_templates());
        } else if (method == "tools/call") {
            call_tool(std::move(call), params);
        } else {
            begin_in_process(std::move(call), params);
        }
    }

    /// What takes a look at the store.
    void begin_in_process(Call call, const Json& params) {
        const std::string& method = call.method;
        if (method == "prompts/get") {
            const Json arguments = prompt_arguments(params);
            start(std::move(call),
                  [&, arguments](const Report&) { return get_prompt(m_settings, arguments); });
        } else if (method == "resources/list") {
            start(std::move(call), [&](const Report&) { return list_resources(m_settings); });
        } else if (method == "resources/read") {
            const std::string uri = string_param(params, "uri");
            start(std::move(call),
                  [&, uri](const Report&) { return read_resource(m_settings, m_queue, uri); });
        } else if (method == "completion/complete") {
            start(std::move(call), [&, params](const Report&) {
                return complete(m_settings, m_queue.files(), params);
            });
        } else {
            throw ProtocolError(k_method_not_found, fmt::format("method '{}' is unknown", method));
        }
    }

    bool answer_stateless(const Call& call) {
        if (call.method == "server/discover") {
            respond(call, {{"supportedVersions", supported_revisions()},
                           {"capabilities", capabilities()},
                           {"instructions", template_text("mcp/instructions.md")}});
            return true;
        }
        if (call.method == "subscriptions/listen") {
            // Nothing that we have changes by itself.
            send(
                make_notification("notifications/subscriptions/acknowledged",
                                  {{"_meta", {{"io.modelcontextprotocol/subscriptionId", call.id}}},
                                   {"notifications", Json::object()}}));
            return true;
        }
        return false;
    }

    bool answer_handshake(const Call& call, const Json& params) {
        if (call.method == "initialize") {
            m_initialized = true;
            respond(call, {{"protocolVersion", negotiate(string_param(params, "protocolVersion"))},
                           {"capabilities", capabilities()},
                           {"serverInfo", server_info(m_settings.version)},
                           {"instructions", template_text("mcp/instructions.md")}});
            return true;
        }
        if (call.method == "ping") {
            respond(call, Json::object());
            return true;
        }
        if (!m_initialized) {
            throw ProtocolError(k_invalid_params,
                                "neither was there an 'initialize' before, nor is there an "
                                "'io.modelcontextprotocol/protocolVersion' in '_meta'");
        }
        return false;
    }

    static std::string string_param(const Json& params, const char* name) {
        const auto member = params.find(name);
        if (member == params.end() || !member->is_string()) {
            throw ProtocolError(k_invalid_params,
                                fmt::format("'{}' is missing, or no string", name));
        }
        return member->get<std::string>();
    }

    // --- Calls

    void start(Call call, const Work& work) {
        call.job = Job::start(work);
        m_calls.push_back(std::move(call));
    }

    void call_tool(Call call, const Json& params) {
        const std::string name = string_param(params, "name");
        const ToolDescription* tool = find_tool(name);
        if (tool == nullptr) {
            throw ProtocolError(k_invalid_params, fmt::format("tool '{}' is unknown", name));
        }
        Json arguments = params.value("arguments", Json::object());
        if (!arguments.is_object()) {
            throw ProtocolError(k_invalid_params, "'arguments' is no object");
        }
        drop_nulls(arguments, tool->input_schema);
        const std::vector<std::string> faults = schema_faults(arguments, tool->input_schema);
        if (!faults.empty()) {
            Failure failure{
                fmt::format("the arguments of '{}' are wrong: {}", name, fmt::join(faults, "; "))};
            respond(call, tool_error(failure));
            return;
        }
        add_defaults(arguments, tool->input_schema);
        call_good_tool(std::move(call), name, arguments);
    }

    void call_good_tool(Call call, const std::string& name, const Json& arguments) {
        call.limit = json_find<size_t>(arguments, "truncate_output_at");
        if (const OperationTool* tool = find_operation_tool(name)) {
            const std::string id = m_queue.add(*tool, arguments);
            m_queue.step();
            if (json_get<bool>(arguments, "wait")) {
                call.operations = {id};
                call.owns = true;
                m_calls.push_back(std::move(call));
            } else {
                respond(call, tool_result(to_entry(*m_queue.find(id))));
            }
        } else if (const ToolFunction function = find_tool_function(name)) {
            start(std::move(call),
                  [&, function](const Report&) { return function(m_settings, arguments); });
        } else if (name == "get_operation") {
            start(std::move(call),
                  [&](const Report&) { return get_operation(m_settings, m_queue, arguments); });
        } else if (name == "list_operations") {
            start(std::move(call),
                  [&](const Report&) { return list_operations(m_queue, arguments); });
        } else {
            wait_for_operations(std::move(call), name, arguments);
        }
    }

    void wait_for_operations(Call call, const std::string& name, const Json& arguments) {
        if (name == "cancel_operation") {
            call.operations = {json_get<std::string>(arguments, "operation_id")};
        } else {
            call.operations = json_get<std::vector<std::string>>(arguments, "operation_ids");
            call.waits_for =
                json_get<std::string>(arguments, "mode") == "any" ? Call::For::any : Call::For::all;
            call.deadline =
                call.began +
                std::chrono::duration_cast<Clock::duration>(
                    std::chrono::duration<double>(json_get<double>(arguments, "timeout")));
        }
        for (const std::string& id : call.operations) {
            if (!m_queue.find(id)) {
                respond(call, tool_error({fmt::format("operation '{}' is unknown", id),
                                          "list_operations shows the last ones"}));
                return;
            }
            if (name == "cancel_operation") {
                m_queue.cancel(id);
            }
        }
        m_calls.push_back(std::move(call));
    }

    /// Answers the call when it is time.
    bool is_answered(Call& call) {
        if (!call.job) {
            return answer_when_ended(call);
        }
        if (call.job->take()) {
            return false;
        }
        if (call.job->answer()) {
            const Json& answer = *call.job->answer();
            respond(call, call.is_tool() ? tool_result(answer) : answer);
        } else if (call.is_tool()) {
            respond(call, tool_error(call.job->failure()));
        } else {
            const Failure& failure = call.job->failure();
            send(make_error(call.id, ProtocolError(code_of(call),
                                                   failure.hint.empty()
                                                       ? failure.message
                                                       : failure.message + "\n" + failure.hint)));
        }
        return true;
    }

    /// What was asked for cannot be had: mostly the asker's fault.
    static int code_of(const Call& call) {
        return call.method == "resources/read" && call.era == Era::handshake ? k_resource_not_found
                                                                             : k_invalid_params;
    }

    bool answer_when_ended(Call& call) {
        size_t ended = 0;
        for (const std::string& id : call.operations) {
            const auto operation = m_queue.find(id);
            ended += !operation || operation->has_ended() ? 1 : 0;
        }
        if (ended == call.operations.size()) {
            answer_ended(call);
            return true;
        }
        if (call.deadline && Clock::now() >= *call.deadline && !call.time_was_up) {
            call.time_was_up = !call.cancelling;
            call.deadline.reset();
        }
        if (!call.cancelling &&
            (call.time_was_up || (call.waits_for == Call::For::any && ended > 0))) {
            call.cancelling = true;
            std::ranges::for_each(call.operations,
                                  [&](const std::string& id) { m_queue.cancel(id); });
            return answer_when_ended(call);
        }
        if (call.progress_token && Clock::now() >= call.told + k_heartbeat) {
            const auto seconds = std::chrono::duration<double>(Clock::now() - call.began).count();
            send_progress(call,
                          call.waits_for == Call::For::one
                              ? fmt::format("{:.0f} s", seconds)
                              : fmt::format("{} of {} have ended", ended, call.operations.size()));
        }
        return false;
    }

    void answer_ended(const Call& call) {
        if (call.waits_for == Call::For::one) {
            const auto operation = m_queue.find(call.operations.front());
            // A run, import or build that could not be done is the tool's failure.
            const bool failed =
                call.owns && operation->status == Status::failed && operation->answer.is_null();
            respond(call, failed ? tool_error(operation->failure)
                                 : tool_result(to_answer(*operation, call.limit)));
            return;
        }
        respond(call,
                tool_result(waited_answer(m_queue, call.operations, call.time_was_up, call.limit)));
    }

    void cancel_call(const Json& id) {
        const auto call = std::ranges::find(m_calls, id, &Call::id);
        if (call == m_calls.end()) {
            return;
        }
        if (call->owns) {
            m_queue.cancel(call->operations.front());
        }
        m_calls.erase(call);
    }

    void tell_progress(const std::string& operation, const std::string& line) {
        for (Call& call : m_calls) {
            if (call.progress_token && call.waits_for == Call::For::one && !call.job &&
                call.operations.front() == operation) {
                send_progress(call, line);
            }
        }
    }

    /// It has to grow each time.
    void send_progress(Call& call, const std::string& message) {
        call.told = Clock::now();
        const double seconds = std::chrono::duration<double>(call.told - call.began).count();
        call.progress = std::max(seconds, call.progress + 0.001);
        send(make_notification("notifications/progress", {{"progressToken", *call.progress_token},
                                                          {"progress", call.progress},
                                                          {"message", message}}));
    }

    const Settings& m_settings;
    int m_input;
    int m_output;
    LineReader m_lines{k_longest_message};
    bool m_initialized = false;
    bool m_client_is_gone = false;
    OperationQueue m_queue;
    std::list<Call> m_calls;
};

}  // namespace

void serve(const Settings& settings, int input, int output) {
    Server(settings, input, output).run();
}

}  // namespace mstage::agent
