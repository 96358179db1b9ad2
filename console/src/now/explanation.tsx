/** Why a decision is what it is, rule by rule, as `kubectl imagegate explain` says it. */

import { useEffect, useState } from "preact/hooks";
import { ask, Unanswered, type Decision, type Explanation } from "../api.js";
import { PlaygroundLink } from "../handover.js";
import { exemptionLink } from "../policy/exemption.js";
import { Facts, Reasons } from "../reasons.js";
import { Loading } from "../state.js";
import { exemptCommand, shown } from "../words.js";

export function ExplanationOf({ decision }: { decision: Decision }) {
  const [explanation, setExplanation] = useState<Explanation | null>(null);
  const [fault, setFault] = useState<Unanswered | null>(null);
  const [tries, setTries] = useState(0);
  const { image = "", namespace = "", user = "" } = decision;
  useEffect(() => {
    let isOver = false;
    setFault(null);
    const query = new URLSearchParams({ image, namespace, user });
    ask<Explanation>(`/api/explain?${query}`).then(
      (explanation) => {
        if (!isOver) setExplanation(explanation);
      },
      (error: Unanswered) => {
        if (!isOver) setFault(error);
      },
    );
    return () => {
      isOver = true;
    };
  }, [image, namespace, user, tries]);

  return (
    <div class="explanation">
      {explanation ? (
        <Judged explanation={explanation} decision={decision} />
      ) : fault ? (
        <div class="empty" role="alert">
          <strong>{shown(fault.message)}</strong>
          {fault.hint && <p>{shown(fault.hint)}</p>}
          <button type="button" onClick={() => setTries(tries + 1)}>
            Try again
          </button>
        </div>
      ) : (
        <Loading label="Explaining" />
      )}
      <Facts facts={factsOf(decision)} />
    </div>
  );
}

function Judged({ explanation, decision }: { explanation: Explanation; decision: Decision }) {
  const { image, namespace, user, messages, policyHash } = explanation;
  const command = decision.decision === "deny" ? exemptCommand(explanation.image, explanation.namespace) : null;
  return (
    <div class="why">
      {decision.policyHash !== undefined && decision.policyHash !== policyHash && (
        <p class="gap">
          This was decided by the policy {shown(decision.policyHash)}; what follows is what {shown(policyHash)}, in
          force now, makes of it.
        </p>
      )}
      {messages.map((message) => (
        <p key={message} class="message">
          {shown(message)}
        </p>
      ))}
      <Reasons reasoning={explanation} />
      {command && (
        <div>
          <h3>To exempt it for a while</h3>
          <pre tabIndex={0}>{command}</pre>
          <p>
            <a href={exemptionLink(explanation)}>Write the exemption here</a>, and see what it does before it is put in
            force.
          </p>
        </div>
      )}
      <p>
        <PlaygroundLink given={{ manifest: `${image}\n`, namespace, user }}>Try it in the playground</PlaygroundLink>,
        by another policy.
      </p>
      <p class="quiet">
        Judged anew for the namespace and the user, by {shown(explanation.origin)}: {shown(explanation.verdict)}. Groups
        and labels of the request are not kept, so an exemption or override by those is not seen here.
      </p>
    </div>
  );
}

function factsOf(decision: Decision): [string, string | null | undefined][] {
  return [
    ["Object", [decision.operation, decision.kind, decision.name].filter(Boolean).join(" ")],
    ["Owner", decision.owner],
    ["Container", decision.container],
    ["User", decision.user],
    ["Override", decision.override],
    ["Exemption", decision.exemption],
    ["Candidate", decision.candidate && `would ${decision.candidate}, ${decision.candidateRule ?? ""}`],
    ["Policy", decision.policyHash],
    ["Replica", decision.replica],
    ["Request", decision.uid],
  ];
}
