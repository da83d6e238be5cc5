// How the page is made. Everything that differs from run to run comes from the environment: voxgate/report/allure/site.py.
const { VOXGATE_ALLURE_NAME, VOXGATE_ALLURE_OUTPUT, VOXGATE_ALLURE_HISTORY } = process.env;

// The first rule that matches wins. violated = we looked, and it is not so; blind = we could not look.
const categories = [
  { name: "Deploy move failed", matchers: [{ statuses: ["failed", "broken"], labels: { kind: "deploy" } }] },
  { name: "Violated", matchers: [{ statuses: ["failed"] }] },
  { name: "Waived", matchers: [{ labels: { kind: "waived" } }] },
  { name: "Not judged", matchers: [{ labels: { kind: "missing" } }, { statuses: ["skipped", "unknown"] }] },
  { name: "Blind", matchers: [{ statuses: ["broken"] }] },
].map((category) => ({ ...category, groupByMessage: true, expand: true }));

export default {
  name: VOXGATE_ALLURE_NAME,
  output: VOXGATE_ALLURE_OUTPUT,
  historyPath: VOXGATE_ALLURE_HISTORY,
  historyLimit: 10,
  categories,
  hideLabels: ["epic", "parentSuite", "suite", "subSuite"], // the page shows them as its path
  plugins: {
    awesome: {
      options: {
        reportName: VOXGATE_ALLURE_NAME,
        singleFile: true,
        theme: "auto",
        reportLanguage: "en",
        groupBy: ["suite", "subSuite"],
        sections: ["charts", "timeline"],
      },
    },
  },
};
