import type { Terminal } from "../terminal.ts";
import { type Cell, type Column, table } from "./table.ts";

export interface View<Item> {
  /** Said instead of a table without rows; "" says nothing. */
  readonly empty: string;
  readonly columns: readonly Column[];
  row(item: Item): readonly Cell[];
}

/** A table for people, one JSON array for programs. */
export async function show<Item>(terminal: Terminal, json: boolean, items: readonly Item[], view: View<Item>): Promise<void> {
  if (json) return showJson(terminal, items);
  if (items.length > 0) return terminal.write(table(view.columns, items.map(view.row)));
  if (view.empty !== "") terminal.error(`${view.empty}\n`);
}

export function showJson(terminal: Terminal, value: unknown): Promise<void> {
  return terminal.write(`${JSON.stringify(value, null, 2)}\n`);
}
