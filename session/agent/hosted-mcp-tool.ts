import type { ModelMcpTool } from '../ports/model.js';

export type HostedMcpToolOptions = Omit<ModelMcpTool, 'type'>;

/** The tools of an MCP server that the model's provider calls by itself; made by {@link hostedMcpTool}. */
export interface HostedMcpTool {
  readonly definition: ModelMcpTool;
}

/**
 * Gives an agent the tools of an MCP server, which the model's provider lists and calls itself. Their calls are told as `tool_start` and `tool_end`
 * with a `serverLabel`; where `requireApproval` asks for it, `tool_approval_required` waits for `session.approve` or `session.reject`. Headers and
 * authorization go to the provider and into no event and no log. Throws `TypeError` for a server that is not named or not to be found.
 *
 *     hostedMcpTool({ serverLabel: 'docs', serverUrl: 'https://docs.example.com/mcp', requireApproval: 'never' })
 */
export function hostedMcpTool(options: HostedMcpToolOptions): HostedMcpTool {
  const { serverLabel, serverUrl, connectorId } = options;
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(serverLabel)) throw new TypeError(`A label of an MCP server is a letter and up to 63 letters, digits, "_" or "-", not ${JSON.stringify(serverLabel)}.`);
  if ((serverUrl === undefined) === (connectorId === undefined)) throw new TypeError(`The MCP server ${serverLabel} needs either a serverUrl or a connectorId.`);
  return { definition: { type: 'mcp', ...options } };
}
