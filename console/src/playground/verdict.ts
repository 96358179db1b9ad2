/** What the engine says, in the words and the order of the page. */

import type { Fault } from "../api.js";
import type { Mark } from "../editor/mark.js";
import { counted, whole } from "../words.js";
import type { Finding, Judged, NotJudged, Report } from "./engine.js";

export interface Verdict {
  words: string;
  tone: "allow" | "deny" | "wrong" | "quiet";
  /** Beside that. */
  counts: string[];
}

/** In one line; `null` while there is nothing to say yet. */
export function verdictOf(manifest: string, judged: Judged | null, fault: Fault | null): Verdict | null {
  const plain = (tone: Verdict["tone"], words: string): Verdict => ({ words, tone, counts: [] });
  if (fault) return plain("wrong", "This could not be judged");
  if (!judged) return null;
  if (!judged.report) return plain("wrong", "The policy is not valid");
  if (manifest.trim() === "") return plain("quiet", "Paste an image or a manifest");
  const { summary, troubles } = judged.report;
  if (summary.images === 0) {
    return troubles.length > 0 ? plain("wrong", "This cannot be read") : plain("quiet", "There is no image in this");
  }
  return { ...answerOf(summary), counts: countsOf(judged.report) };
}

function answerOf({ images, denied }: Report["summary"]): Pick<Verdict, "words" | "tone"> {
  if (denied === 0) {
    return { words: images === 1 ? "The image is admitted" : `All ${whole(images)} images are admitted`, tone: "allow" };
  }
  if (images === 1) return { words: "The image is denied", tone: "deny" };
  const are = denied === 1 ? "is" : "are";
  return { words: `${whole(denied)} of ${whole(images)} images ${are} denied`, tone: "deny" };
}

function countsOf({ summary, troubles, notJudged = [] }: Report): string[] {
  const { images, denied, warned, audited, exempted } = summary;
  const isMixed = denied > 0 && denied < images;
  return [
    isMixed && `${whole(images - denied)} admitted`,
    warned > 0 && `${whole(warned)} with a warning`,
    audited > 0 && `${whole(audited)} logged`,
    exempted > 0 && `${whole(exempted)} exempt`,
    troubles.length > 0 && `${counted(troubles.length, "place")} not understood`,
    notJudged.length > 0 && `${whole(notJudged.length)} not judged`,
  ].filter((each) => each !== false);
}

const ORDER: Finding["decision"][] = ["deny", "warn", "audit", "exempt", "allow"];

/** The places of the findings in their list: those that are denied first, and otherwise as they were read. */
export function inOrder(findings: readonly Finding[]): number[] {
  const rank = (index: number) => ORDER.indexOf(findings[index]?.decision ?? "allow");
  return findings.map((_, index) => index).sort((one, other) => rank(one) - rank(other) || one - other);
}

/** Images that are written alone, each in a line of its own, have no place of their own: it is that of the line. */
export function placed(manifest: string, findings: readonly Finding[]): Finding[] {
  const lines = manifest.split("\n").flatMap((text, index) => {
    const column = text.search(/\S/) + 1;
    return column > 0 ? [{ line: index + 1, column }] : [];
  });
  return findings.map((finding, index) => (finding.field === undefined ? { ...lines[index], ...finding } : finding));
}

/** What is underlined in the manifest. */
export function marksOf({ findings, troubles, notJudged = [] }: Report): Mark[] {
  const of = (spot: { line?: number; column?: number }) => ({ line: spot.line ?? null, column: spot.column ?? null });
  const said = findings.flatMap((finding): Mark[] => {
    const { decision, message, hint = null, exemption } = finding;
    if (decision === "exempt" && exemption) {
      const why = `exempt by ${exemption.name}: ${exemption.reason}`;
      return [{ ...of(finding), severity: "info", message: why, hint: null }];
    }
    if (message === undefined) return [];
    return [{ ...of(finding), severity: decision === "deny" ? "error" : "warning", message, hint }];
  });
  const unread = troubles.map((trouble): Mark => ({ ...of(trouble), message: trouble.message, hint: trouble.hint ?? null }));
  const unknown = notJudged.map((each): Mark => ({ ...of(each), severity: "info", message: doubt(each), hint: null }));
  return [...said, ...unread, ...unknown];
}

/** Why it is not judged. */
export function doubt({ field }: NotJudged): string {
  return `this looks like an image, in a field that is not known to hold any: ${field}`;
}

/** `kube-system, admins` as a list. */
export function groupsOf(text: string): string[] {
  return text.split(",").map((group) => group.trim()).filter((group) => group !== "");
}
